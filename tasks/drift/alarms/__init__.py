"""What follows from a watch: one alarm for one drift, told until somebody hears it."""
