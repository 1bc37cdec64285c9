"""PyBullet's TinyRenderer: a rasteriser on the CPU that needs no OpenGL."""

from __future__ import annotations

from typing import Any

import numpy as np

from pi0bench.envs.physics.pybullet_client import Client, pybullet
from pi0bench.envs.pose import quat_of
from pi0bench.envs.render.renderer_protocol import FAR_M, NEAR_M, Camera, Image, Picture
from pi0bench.envs.scene import Geom

_LIGHT_FROM = (0.3, -0.25, 0.9)


class TinyRenderer:
    """See `renderer_protocol.Renderer`. Keeps the shapes of the last picture."""

    name = "tiny"

    def __init__(self) -> None:
        self._client = Client()
        self._shapes: list[tuple[Any, ...]] = []
        self._bodies: list[int] = []
        self._colors: list[Any] = []

    def draw(self, picture: Picture, camera: Camera, height: int, width: int) -> Image:
        """Draw an RGB image, (height, width, 3)."""
        self._load(picture.geoms, picture.light.rgb)
        for i, body in enumerate(self._bodies):
            w, x, y, z = quat_of(picture.rot[i])
            self._client.resetBasePositionAndOrientation(body, picture.pos_m[i], (x, y, z, w))
        view = camera.pose.inverse()
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = view.rot, view.pos_m
        _, _, pixels, _, _ = self._client.getCameraImage(
            width,
            height,
            viewMatrix=matrix.T.ravel().tolist(),
            projectionMatrix=pybullet.computeProjectionMatrixFOV(
                camera.fovy_deg, width / height, NEAR_M, FAR_M
            ),
            lightDirection=(picture.light.turn @ _LIGHT_FROM).tolist(),
            lightColor=(1, 1, 1),  # would tint the diffuse part alone, so colours are tinted
            lightAmbientCoeff=0.55 * picture.light.brightness,
            lightDiffuseCoeff=0.45 * picture.light.brightness,
            lightSpecularCoeff=0.0,
            shadow=0,
            renderer=pybullet.ER_TINY_RENDERER,
            flags=pybullet.ER_NO_SEGMENTATION_MASK,
        )
        rgba = np.asarray(pixels, np.uint8).reshape(height, width, 4)
        return rgba[:, :, :3].copy()

    def _load(self, geoms: tuple[Geom, ...], tint: tuple[float, float, float]) -> None:
        shapes = [(geom.shape, geom.size_m) for geom in geoms]
        if shapes != self._shapes:
            self._client.resetSimulation()
            self._bodies = [self._body(geom) for geom in geoms]
            self._shapes, self._colors = shapes, [None] * len(geoms)
        for i, geom in enumerate(geoms):
            rgba = (*(c * t for c, t in zip(geom.rgba, tint, strict=False)), geom.rgba[3])
            if rgba != self._colors[i]:
                self._client.changeVisualShape(self._bodies[i], -1, rgbaColor=rgba)
                self._colors[i] = rgba

    def _body(self, geom: Geom) -> int:
        match geom.shape, geom.size_m:
            case "box", size:
                shape = {"shapeType": pybullet.GEOM_BOX, "halfExtents": size}
            case "sphere", (radius,):
                shape = {"shapeType": pybullet.GEOM_SPHERE, "radius": radius}
            case kind, (radius, half):
                number = {"cylinder": pybullet.GEOM_CYLINDER, "capsule": pybullet.GEOM_CAPSULE}
                shape = {"shapeType": number[kind], "radius": radius, "length": 2 * half}
            case kind, size:
                raise ValueError(f"a {kind} cannot have size {size}")
        visual = self._client.createVisualShape(**shape)
        return self._client.createMultiBody(baseMass=0, baseVisualShapeIndex=visual)

    def close(self) -> None:
        """Free the renderer's memory."""
        self._client.disconnect()
