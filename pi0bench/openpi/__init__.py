"""openpi's websocket protocol, both ways: to measure a policy elsewhere, and to serve ours."""
