"""Model providers; each is a plug-in that only the gateway loads."""
