"""What was measured: records, their store, statistics, tables, curves and videos."""
