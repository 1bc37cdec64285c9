"""Learning: demonstrations, pictures, features, and one loop that fits any network to them."""
