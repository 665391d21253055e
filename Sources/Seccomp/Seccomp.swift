// Filled in as the slices land.
