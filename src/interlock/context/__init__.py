"""What is known before a decision or an answer: facts, assembled context, freshness."""
