"""The scripted expert: sees the world's poses, has no memory, and acts like any policy."""
