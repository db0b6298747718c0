"""From restored volumes to tables 1-4 and their significance: metrics, aggregation, ASO, the published numbers."""
