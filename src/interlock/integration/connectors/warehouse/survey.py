"""What a warehouse offers: for each table the rows that fit, page by page, and a count of them."""
