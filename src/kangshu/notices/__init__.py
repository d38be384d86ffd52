"""Telling people outside the product (短信, 政务微信, webhook) of what waits for them inside: no personal data goes out."""

from kangshu.notices.channels import Channel, ShortMessages, Webhook, WorkWeixin, signature
from kangshu.notices.deliveries import Delivery
from kangshu.notices.limits import PARAMETERS
from kangshu.notices.message import ALLOWED, Message, check_templates
from kangshu.notices.notices import Notices, Way

__all__ = [
    "ALLOWED",
    "PARAMETERS",
    "Channel",
    "Delivery",
    "Message",
    "Notices",
    "ShortMessages",
    "Way",
    "Webhook",
    "WorkWeixin",
    "check_templates",
    "signature",
]
