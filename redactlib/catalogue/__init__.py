"""What is known of markings, codes, authorities and orders, as tables, and the matching of text with them."""
