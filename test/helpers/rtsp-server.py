# A camera for tests: GStreamer's RTSP server with a moving ball. Its arguments are: none, basic or digest; user; password.
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

Gst.init(None)
if "--probe" in sys.argv:
    wanted = ["videotestsrc", "jpegenc", "rtpjpegpay"]
    sys.exit(0 if all(Gst.ElementFactory.find(name) for name in wanted) else 1)

server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")
factory = GstRtspServer.RTSPMediaFactory()
factory.set_shared(True)
factory.set_launch(
    "( videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,"
    "framerate=25/1 ! jpegenc ! rtpjpegpay name=pay0 pt=26 )"
)
kind, user, password = sys.argv[1:4]
if kind != "none":
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(2 if kind == "digest" else 1)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    if kind == "digest":
        auth.add_digest(user, password, token)
    else:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_role("viewer")
    for what in ["access", "construct"]:
        permissions.add_permission_for_role("viewer", f"media.factory.{what}", True)
    factory.set_permissions(permissions)
server.get_mount_points().add_factory("/cam", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
