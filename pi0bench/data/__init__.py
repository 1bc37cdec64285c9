"""What is learned from: demonstrations, pictures, features, clouds, and their export."""
