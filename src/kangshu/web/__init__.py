"""Pages: worklist, plan board, measure explorer, record, registers, cases, administration. Data only through `api`."""

from kangshu.web.app import web_app
from kangshu.web.routes import PAGES, Page

__all__ = ["PAGES", "Page", "web_app"]
