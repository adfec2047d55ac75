"""What may happen: policy and its gate, labels, limits, credentials, and the journal of it all."""
