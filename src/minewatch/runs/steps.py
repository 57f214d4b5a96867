"""Every step that runs over partitions; the conformance suite runs each of them on each engine."""

from minewatch.detect.balance.books import BOOKS_STEP
from minewatch.detect.balance.feeders import FEEDER_STEP
from minewatch.detect.balance.place import PLACE_STEP
from minewatch.detect.balance.transformers import TRANSFORMER_STEP
from minewatch.detect.encrypted.encrypted_flows import ENCRYPTED_FLOW_STEP
from minewatch.detect.load.customer_load import LOAD_STEP
from minewatch.detect.load.features import LOAD_FEATURES_STEP
from minewatch.detect.plant.plant_output import PLANT_STEP
from minewatch.detect.pools.pool_flows import POOL_FLOW_STEP
from minewatch.detect.traffic.data_centre import DATA_CENTRE_STEP
from minewatch.schema.steps import Step

STEPS: tuple[Step, ...] = (
    LOAD_FEATURES_STEP,
    LOAD_STEP,
    POOL_FLOW_STEP,
    ENCRYPTED_FLOW_STEP,
    BOOKS_STEP,
    TRANSFORMER_STEP,
    FEEDER_STEP,
    PLACE_STEP,
    DATA_CENTRE_STEP,
    PLANT_STEP,
)
