"""The REST surface under `/v1`: routes that parse, call one verb of the installation, and render."""

from interlock.experience.api.api import Api
from interlock.experience.api.document import openapi

__all__ = ["Api", "openapi"]
