"""Every step that runs over partitions; the conformance suite runs each of them on each engine."""

from minewatch.detect.balance_books import BOOKS_STEP
from minewatch.detect.block_place import PLACE_STEP
from minewatch.detect.customer_load import LOAD_STEP
from minewatch.detect.data_centre import DATA_CENTRE_STEP
from minewatch.detect.feeder_balance import FEEDER_STEP
from minewatch.detect.load_features import LOAD_FEATURES_STEP
from minewatch.detect.plant_output import PLANT_STEP
from minewatch.detect.pool_flows import POOL_FLOW_STEP
from minewatch.detect.transformer_balance import TRANSFORMER_STEP
from minewatch.schema.steps import Step

STEPS: tuple[Step, ...] = (
    LOAD_FEATURES_STEP,
    LOAD_STEP,
    POOL_FLOW_STEP,
    BOOKS_STEP,
    TRANSFORMER_STEP,
    FEEDER_STEP,
    PLACE_STEP,
    DATA_CENTRE_STEP,
    PLANT_STEP,
)
