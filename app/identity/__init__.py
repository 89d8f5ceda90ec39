"""Who someone is, what they may do, who stands in for whom."""
