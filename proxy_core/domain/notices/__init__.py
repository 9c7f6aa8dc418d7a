"""What is told to other programs (chats, pagers, scripts) by webhook.

notice       which events are told, and what is said of them
subjects     which of them a webhook wants
bodies       how they are written: plain JSON, or as Slack takes it
signature    how a receiver knows that we have sent them
persistence  how often and when a receiver is asked again
"""

from proxy_core.domain.notices.bodies import Format, body_of
from proxy_core.domain.notices.notice import KINDS, TEST, Notice, notice_data, notice_of
from proxy_core.domain.notices.persistence import PAUSES, is_passing, pause_before
from proxy_core.domain.notices.signature import signature
from proxy_core.domain.notices.subjects import check_subjects, is_wanted

__all__ = [
    "KINDS",
    "PAUSES",
    "TEST",
    "Format",
    "Notice",
    "body_of",
    "check_subjects",
    "is_passing",
    "is_wanted",
    "notice_data",
    "notice_of",
    "pause_before",
    "signature",
]
