"""What records say: tables, figures, pages and comparisons; records and manifest decide all."""
