"""The mappings that ship: purchase order, its answer and the invoice, in both standards."""

from __future__ import annotations

from interlock.integration.connectors.edi.messages.edifact import INVOIC, ORDERS, ORDRSP
from interlock.integration.connectors.edi.messages.x12 import ACKNOWLEDGEMENT, INVOICE, ORDER
from interlock.integration.connectors.edi.syntax import Mapping, parse_mapping

MAPPINGS: dict[str, Mapping] = {
    str(data["message"]): parse_mapping(data) for data in (ORDER, ACKNOWLEDGEMENT, INVOICE, ORDERS, ORDRSP, INVOIC)
}
"""The mappings by message type."""

__all__ = ["MAPPINGS"]
