"""What Python programs call, and the command line too: `import pi0bench; pi0bench.run(...)`."""
