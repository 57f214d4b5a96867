"""Routes of the work on cases."""

from django.urls import path

from minewatch.office.web.cases import carriers, pages, panels
from minewatch.office.web.cases.lists import BatchListing, CaseListing, QuestionListing
from minewatch.office.web.cases.verbs import routes
from minewatch.office.web.listing import listed
from minewatch.office.web.panels import OVERVIEW, PANELS

PANELS.append(panels.CASE)
OVERVIEW[:0] = [panels.QUEUE, panels.CONCERNS]
OVERVIEW.append(panels.OWED)

urlpatterns = [
    path("queue/", pages.queue, name="queue"),
    path("queue/seen/", pages.notices_seen, name="notices_seen"),
    path("cases/", listed(CaseListing), name="cases"),
    path("cases/new/", pages.case_new, name="case_new"),
    path("cases/hand-over/", pages.cases_hand_over, name="cases_hand_over"),
    path("cases/<str:number>/", pages.case, name="case"),
    path("batches/", listed(BatchListing), name="batches"),
    path("batches/new/", pages.batch_new, name="batch_new"),
    path("batches/<str:number>/", pages.batch, name="batch"),
    path("questions/", listed(QuestionListing), name="questions"),
    path("questions/new/", carriers.question_new, name="question_new"),
    path("questions/<int:number>/", carriers.question, name="question"),
    path("questions/<int:number>/file/", carriers.question_file, name="question_file"),
    path("questions/<int:number>/answer/", carriers.question_answer, name="question_answer"),
    *routes(),
]
