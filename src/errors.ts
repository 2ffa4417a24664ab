// The one table of coded errors: every message a user can meet has its code, its meaning and its remedy here.
// docs/errors.md is written from this table; a test holds both against each other.
import { GroceryError } from './grocery-error.js'

/** Exit codes of every command (sysexits where systemd cares). */
export const exitCodes = { ok: 0, failed: 1, usage: 2, locked: 75, config: 78 } as const

export interface ErrorEntry {
  meaning: string
  remedy: string
  exit?: number
}

export const errorTable = {
  ACTIVATION_INVALID: {
    meaning:
      'The record of installed or active models is of a newer grocerd or damaged, or cannot be read.',
    remedy:
      "For EACCES, give the folder models of the state directory to the daemon's user (chown -R); else use the newer version again, or move the folder away.",
  },
  ADDON_NOT_BUILT: {
    meaning: 'The native addon is not there or does not load on this machine.',
    remedy: 'Run `npm ci` (it needs g++, make and Python 3) and read its output.',
  },
  ADDRESS_IN_USE: {
    meaning: 'Another program already listens on the address of http.listen or mqtt.listen.',
    remedy: 'Stop that program (see `ss -ltnp`) or give the named key another port.',
  },
  ALREADY_CONFIRMED: {
    meaning: 'The item was confirmed before, with another product.',
    remedy: 'Show the shopper the product that is on the receipt; correct it as an attendant.',
  },
  BELOW_MINIMUM: {
    meaning: 'The model was right less often than --min-top1 asks for.',
    remedy: 'Look at the worst mistakes in the report (--html) before the model is used.',
  },
  BUNDLE_EXPIRED: {
    meaning: 'The model bundle is past the date until which it may be installed.',
    remedy: 'Take a newer bundle; check the clock of this machine.',
  },
  BUNDLE_INCOMPATIBLE: {
    meaning: 'The model bundle is for other hardware, another grocerd or other classes.',
    remedy: 'Take the bundle made for this kind of kiosk; docs/8-updates.md says what counts.',
  },
  BUNDLE_INVALID: {
    meaning: 'The model bundle is damaged, incomplete, or not of the form that one has.',
    remedy: 'Copy it again; if it stays so, make it anew with `grocerd models sign`.',
  },
  BUNDLE_OUTDATED: {
    meaning: 'The model bundle is not newer than what was installed before.',
    remedy: 'Take a newer bundle, or give the model a higher version and sign it again.',
  },
  BUNDLE_UNTRUSTED: {
    meaning: 'No key that this kiosk trusts has signed the model bundle.',
    remedy: 'Add the public key to models.keys if it is yours; else do not use the bundle.',
  },
  CAMERA_BLURRED: {
    meaning:
      'For half a minute the camera has shown the counter with less than 60 % of the fine detail of its reference picture.',
    remedy:
      'Clean the lens and its window, set the focus; if it is sharp, take a new reference: `grocerd commission --steps reference`.',
  },
  CAMERA_BUSY: {
    meaning: 'Another program has the camera.',
    remedy: 'End that program: `fuser -v` with the device says which it is.',
  },
  CAMERA_CONNECTING: {
    meaning: 'The camera is being opened and has not given a frame yet.',
    remedy: 'Wait a moment; if it stays, check cable, power and address.',
  },
  CAMERA_COVERED: {
    meaning: 'For 20 seconds the camera has shown nothing of the counter and no detail at all.',
    remedy: 'Take away what covers the lens.',
  },
  CAMERA_DARK: {
    meaning:
      'Everything the camera has shown for three seconds is dark: no light, or a covered lens.',
    remedy: 'Uncover the lens or turn on the light; nothing is announced until it sees again.',
  },
  CAMERA_DENIED: {
    meaning: "The camera's device is there, and the daemon's user may not use it.",
    remedy:
      'Add that user to the group video (usermod -aG video USER) and start the daemon again; in a container pass the device in.',
  },
  CAMERA_ENDED: {
    meaning: 'A finite source (a file, or dir: with loop=0) has been read to its end.',
    remedy: 'Nothing: this is the normal end. Use loop=1 for a source that repeats.',
  },
  CAMERA_FROZEN: {
    meaning:
      'The camera has given exactly the same picture for ten seconds, which no sensor does: it is an old one.',
    remedy:
      'Restart the camera, or whatever relays its pictures; nothing is announced until they change.',
  },
  CAMERA_LOGIN_REFUSED: {
    meaning: 'A network camera does not accept user and password, or wants some and got none.',
    remedy:
      'Write user:password to a file of mode 0600 and name it in the source: ?credentials=FILE; the file is read at each opening.',
  },
  CAMERA_LOST: {
    meaning:
      'A camera that was open has gone: it was unplugged, or the program that feeds it ended.',
    remedy: 'Check cable, power and that program; grocerd opens it again by itself.',
  },
  CAMERA_MOVED: {
    meaning: 'The camera does not look where it looked when its reference picture was taken.',
    remedy:
      'Put it back; if it is to stay so, check roi and mask and take a new reference: `grocerd commission --steps reference`.',
  },
  CAMERA_NOT_FOUND: {
    meaning: 'The camera, file or folder that a source names is not there, or cannot be opened.',
    remedy: 'Check the path and the permissions; grocerd tries again for ever with back-off.',
  },
  CAMERA_PAUSED: {
    meaning: 'Somebody paused the camera: nothing that it sees is announced.',
    remedy:
      'Send the command `resume` (docs/4-mqtt.md) when the work at the counter is done; a restart does not end a pause.',
  },
  CAMERA_SOURCE_INVALID: {
    meaning: 'A camera source is not a URI that this version reads.',
    remedy:
      'Use v4l2:DEVICE, rtsp://HOST/PATH, http://HOST/PATH, gst:PIPELINE, file:CLIP or dir:FOLDER; docs/12-cameras.md has each with its options.',
    exit: exitCodes.config,
  },
  CAMERA_STALLED: {
    meaning: 'The camera gave no frame for three seconds although it is open.',
    remedy: 'Check cable and power; grocerd reopens it by itself.',
  },
  CAMERA_UNKNOWN: {
    meaning: 'A request names a camera that the configuration does not have.',
    remedy: 'Use one of the camera ids that the message lists.',
  },
  CATALOGUE_INVALID: {
    meaning:
      'The catalogue file cannot be read, a row of it is wrong, or it has nothing that the model knows.',
    remedy:
      'Mend what the message names; the header is sku,name,plu,gtin,unit,meanGrams,active,variantOf.',
    exit: exitCodes.config,
  },
  CATALOGUE_NOT_FETCHED: {
    meaning: 'The address that the command `catalogue` names gave no catalogue.',
    remedy:
      'Check the address from the kiosk (curl), its certificate and size, and under systemd IPAddressAllow; then send the command again.',
  },
  CATALOGUE_OLD: {
    meaning:
      'The command `catalogue` brings a version that is not newer than the one that is kept.',
    remedy:
      'Send it with a higher version; to begin anew delete catalogue/ in the state directory and reload.',
  },
  CATALOGUE_URL_REFUSED: {
    meaning: 'The configuration does not allow to fetch a catalogue from that address.',
    remedy: 'Add its host to catalogueHosts if it is the back office; else send the rows as items.',
  },
  COMMAND_DISABLED: {
    meaning: 'The command is not in mqtt.commands.',
    remedy: 'Add the verb to mqtt.commands if the till may use it.',
  },
  COMMAND_EXPIRED: {
    meaning: 'The command arrived after its expiresAt.',
    remedy: 'Send it again with a later expiresAt; check both clocks.',
  },
  COMMAND_INVALID: {
    meaning: 'The payload of a command is not what docs/api/schemas says.',
    remedy: 'Send JSON of the shape that the message names.',
  },
  COMMISSION_STOPPED: {
    meaning: 'The commissioning was ended before its last step.',
    remedy:
      'Start it again; no sheet was written, and the reference picture is the old one. --steps runs only some of its steps.',
  },
  CONFIG_INVALID: {
    meaning: 'The configuration has errors; all of them are listed with file, line and column.',
    remedy: 'Mend each line; `grocerd check --config FILE` tells when it is right.',
    exit: exitCodes.config,
  },
  CONFIG_NOT_FOUND: {
    meaning: 'The configuration file is not there or cannot be read.',
    remedy: 'Give the path with --config; deploy/grocerd.yaml is a commented sample.',
    exit: exitCodes.config,
  },
  DAEMON_OTHER_CONFIG: {
    meaning: 'The running daemon has another configuration than the file that was given.',
    remedy: 'Give the file that it runs with, or let it read this one: `systemctl reload grocerd`.',
  },
  DAEMON_UNREACHABLE: {
    meaning: 'No daemon answers on the address of http.listen.',
    remedy:
      'Start it (`systemctl start grocerd`) and wait until it runs; `grocerd doctor` says what keeps it from it.',
  },
  DATASET_INVALID: {
    meaning: 'The labelled pictures are not there, or a row, folder or label of them is wrong.',
    remedy:
      'Give a folder per class or a CSV of path,label rows; a label is a sku, name or class index.',
  },
  DEVICE_NOT_FOUND: {
    meaning: 'The runtime is here, and the device that was asked for is not.',
    remedy:
      'Use a device that the message lists, or install its driver; `grocerd doctor` lists all.',
  },
  DISK_LOW: {
    meaning:
      'Less of the disk of outbox.dir is free than outbox.minFree; the outbox grows no more, and its oldest events would be given up, counted.',
    remedy: 'Free disk space; look for what else fills the disk.',
  },
  ENGINE_BUSY: {
    meaning: 'More requests are waiting for the model than its queue holds.',
    remedy: 'Send fewer at a time; cameras drop old frames by themselves.',
  },
  ENGINE_STOPPED: {
    meaning: 'The inference engine was stopped, or not started, when a request came.',
    remedy: 'Start the engine first; requests at shutdown may be given up.',
  },
  ENSEMBLE_MISMATCH: {
    meaning: 'The members of an ensemble do not know the same products.',
    remedy: 'Give models whose labels have the same skus, in any order, or leave one out.',
  },
  EVENT_REFUSED: {
    meaning:
      'The broker is there and does not take events: a size limit, a quota or its ACL; they wait on disk.',
    remedy:
      'Look at the code in the message and the log of the broker; grocerd tries again every 5 s.',
  },
  FFMPEG_NOT_FOUND: {
    meaning: 'A file:, rtsp: or v4l2: source needs ffmpeg and it is not on the PATH.',
    remedy: 'Install it: apt install ffmpeg.',
  },
  GALLERY_EMPTY: {
    meaning: 'Nothing is enrolled in the gallery.',
    remedy: 'Enrol products: `grocerd enrol --sku SKU --name NAME PICTURE…`.',
  },
  GALLERY_INVALID: {
    meaning: 'A file of the gallery is damaged, or a newer grocerd wrote it.',
    remedy:
      'Install the newer grocerd, or import a copy that was made by `grocerd gallery export`.',
    exit: exitCodes.config,
  },
  GALLERY_NOTHING_TO_UNDO: {
    meaning: 'The gallery has no earlier version to go back to.',
    remedy: 'Look at `grocerd gallery history`; what was forgotten does not come back.',
  },
  GALLERY_OFF: {
    meaning: 'This kiosk has no gallery: no embedder is configured.',
    remedy: 'Set models.embedder, and start the daemon again.',
  },
  GALLERY_PRODUCT_INVALID: {
    meaning: 'What was said of a product to enrol is not complete or not of the right form.',
    remedy: 'Give --sku and --name; a GTIN has 8, 12, 13 or 14 digits with a right check digit.',
    exit: exitCodes.usage,
  },
  GALLERY_SKU_UNKNOWN: {
    meaning: 'The gallery has no product of that sku.',
    remedy: 'Look at `grocerd gallery list`, for answers that wait at `grocerd gallery answers`.',
  },
  GPU_MEMORY_UNKNOWN: {
    meaning: 'Nobody says how much memory the GPU has, so its budget cannot be kept.',
    remedy:
      "Install the GPU's driver with its library (libnvidia-ml.so.1 for NVIDIA), or use device CPU.",
  },
  GSTREAMER_NOT_FOUND: {
    meaning: 'A gst: source needs gst-launch-1.0 and it is not on the PATH.',
    remedy: 'Install it: apt install gstreamer1.0-tools gstreamer1.0-plugins-good.',
  },
  HTTP_BODY_INVALID: {
    meaning: 'The body of an HTTP request is not a JSON object.',
    remedy: 'Send a JSON object; docs/api/openapi.yaml has the shape.',
  },
  HTTP_BODY_TOO_LARGE: {
    meaning: 'The body of an HTTP request is larger than 64 KiB.',
    remedy: 'Send less; no command needs more.',
  },
  HTTP_COMMANDS_OFF: {
    meaning: 'State-changing HTTP calls are off because there is no http.tokenFile.',
    remedy: 'Write a long random token to a file and name it in http.tokenFile.',
  },
  HTTP_CROSS_SITE: {
    meaning: 'A web page of another site tried to change the state of the kiosk.',
    remedy: "Send the request from the kiosk's own page or from a program.",
  },
  HTTP_HEADERS_TOO_LARGE: {
    meaning: 'The headers of an HTTP request are larger than 8 KiB.',
    remedy: 'Send fewer or shorter headers and cookies.',
  },
  HTTP_HOST_FOREIGN: {
    meaning: 'The Host header of an HTTP request names a host that is not this kiosk.',
    remedy: 'Use localhost, the address, or the host name that http.listen names.',
  },
  HTTP_METHOD_WRONG: {
    meaning: 'The path of an HTTP request is known, its method is not.',
    remedy: 'Use a method of the Allow header; docs/api/openapi.yaml lists all.',
  },
  HTTP_NOT_FOUND: {
    meaning: 'There is nothing at the path of an HTTP request.',
    remedy: 'See docs/api/openapi.yaml for the paths.',
  },
  HTTP_NOT_JSON: {
    meaning: 'The body of an HTTP request is not declared as JSON.',
    remedy: 'Send it with the header Content-Type: application/json.',
  },
  HTTP_REQUEST_INVALID: {
    meaning: 'The bytes that arrived are not an HTTP/1.1 request.',
    remedy: 'Check the client, and that it does not speak TLS to the plain port.',
  },
  HTTP_STREAMS_FULL: {
    meaning: 'As many live streams as the daemon serves are open already.',
    remedy: 'Close a live page elsewhere, or read /api/v1/state now and then instead.',
  },
  HTTP_TIMED_OUT: {
    meaning: 'An HTTP request did not arrive in time.',
    remedy: 'Send headers within 2 s and the whole request within 5 s.',
  },
  HTTP_TOKEN_WRONG: {
    meaning: 'A state-changing HTTP call came without the token, or with a wrong one.',
    remedy: 'Send Authorization: Bearer with the content of http.tokenFile.',
  },
  IMAGE_EMPTY: {
    meaning: 'The picture has no bytes.',
    remedy: 'Take the picture again; check the disk it was copied from.',
  },
  IMAGE_NOT_FOUND: {
    meaning: 'A picture file is not there or cannot be opened.',
    remedy: 'Check the path and the permissions.',
  },
  IMAGE_TOO_LARGE: {
    meaning: 'The picture has more pixels than grocerd decodes.',
    remedy: 'Scale it down; a few megapixels are plenty for recognition.',
  },
  IMAGE_TRUNCATED: {
    meaning: 'The picture ends too early: part of its data is missing.',
    remedy: 'Copy or take it again.',
  },
  IMAGE_UNREADABLE: {
    meaning: 'The file is not a picture that grocerd can read.',
    remedy: 'Use a JPEG or PNG picture.',
  },
  IMAGE_UNSUPPORTED: {
    meaning:
      'The picture is of a kind that is refused: CMYK, 16 bits a channel, or not JPEG or PNG.',
    remedy: 'Save it as an 8-bit RGB or grey JPEG or PNG.',
  },
  INFERENCE_FAILED: {
    meaning: 'The runtime reported an error while the model ran, or did not answer in time.',
    remedy: 'Run `grocerd doctor`; another device or runtime may do.',
  },
  INTERNAL: {
    meaning: 'Something went wrong that grocerd has no words for: a defect of grocerd.',
    remedy: 'Report it with the message and the log.',
  },
  ITEM_GONE: {
    meaning: 'The item or recognition that a confirm names is not there any more.',
    remedy: 'Ask again with recognise; items live until they are removed or the session ends.',
  },
  KEY_INVALID: {
    meaning: 'A key for model bundles is not a minisign key that grocerd can use.',
    remedy: 'Make one with `grocerd models keygen`; a public key is one line, 56 characters.',
    exit: exitCodes.config,
  },
  KIOSK_TAKEN: {
    meaning: 'Another daemon on this box has the same kiosk.id or mqtt.topic at the same broker.',
    remedy:
      'Stop it, or give each instance its own kiosk.id, and its own mqtt.topic where one is set.',
    exit: exitCodes.locked,
  },
  LABELS_INVALID: {
    meaning: 'The labels file cannot be read, or has not one row for each class of the model.',
    remedy: 'Give one label a line (or the CSV of docs/2-models.md), in the order of the classes.',
    exit: exitCodes.config,
  },
  MANIFEST_INVALID: {
    meaning: 'model.json is missing, not JSON, or not what its schema says.',
    remedy: 'Mend what the message lists; docs/api/schemas/model.schema.json is the schema.',
    exit: exitCodes.config,
  },
  MEMORY_BUDGET_EXCEEDED: {
    meaning: 'The model needs more memory than the configuration allows, or uses more by now.',
    remedy:
      'Raise the key that the message names above the peak it shows, or use a smaller model: docs/9-memory.md.',
  },
  MODEL_EXISTS: {
    meaning: 'The folder that a new model should be written to is there already.',
    remedy: 'Name another folder with --out, or replace it with --force.',
  },
  MODEL_EXTERNAL_DATA: {
    meaning: 'The ONNX file keeps weights in another file, which grocerd does not follow.',
    remedy: 'Save the model with its weights inside (onnx.save without external data).',
    exit: exitCodes.config,
  },
  MODEL_HASH_MISMATCH: {
    meaning: 'A model file is not the file that model.json was written for.',
    remedy: 'Copy the model directory again; if you changed it on purpose, write its sha256 anew.',
    exit: exitCodes.config,
  },
  MODEL_HEAD_UNKNOWN: {
    meaning: 'The last layer of the base model is not of a form that can be read or exchanged.',
    remedy:
      'Use a base with an embedding output and MatMul and Add (or Gemm) behind it, as grocery81 has.',
  },
  MODEL_INVALID: {
    meaning:
      'The runtime cannot load the model: it is damaged, truncated or of a kind it does not know.',
    remedy: 'Copy it again, or convert it anew; the message has the words of the runtime.',
    exit: exitCodes.config,
  },
  MODEL_LOADING: {
    meaning:
      'The model is being loaded; nothing is recognised until it is there, unless the message says what runs meanwhile.',
    remedy: 'Wait: the state becomes ready by itself.',
  },
  MODEL_NOT_ACTIVE: {
    meaning: 'No activated model is there to go back from: that of the configuration answers.',
    remedy: 'Nothing is to be done; `grocerd models list` shows what is there.',
  },
  MODEL_NOT_FOUND: {
    meaning: 'There is no model of that name or path.',
    remedy: 'Name a folder under models/ or give a path to a folder, .xml or .onnx file.',
    exit: exitCodes.config,
  },
  MODEL_NOT_INSTALLED: {
    meaning: 'The version of the model that was named is not installed on this kiosk.',
    remedy: 'Install it with `grocerd models install`; `grocerd models list` shows all.',
  },
  MODEL_ROLLED_BACK: {
    meaning: 'A new model was not good enough here, and the one before answers again.',
    remedy: 'Read the message; activate another version, or roll back by hand to end it.',
  },
  MODEL_SHAPE_MISMATCH: {
    meaning: 'The shape of the model, of its input or of its output is not what was expected.',
    remedy: 'Check input and output in model.json against the model.',
    exit: exitCodes.config,
  },
  MODEL_UNWRITABLE: {
    meaning: 'The new model cannot be written: the disk is full, or the folder may not be written.',
    remedy: 'Free disk space, or name another folder; nothing half written is left.',
  },
  MQTT_DISCONNECTED: {
    meaning: 'There is no connection to the MQTT broker; events wait on disk.',
    remedy: 'Check the broker, the address, the password and TLS; grocerd reconnects by itself.',
  },
  MQTT_REFUSED: {
    meaning: 'The broker answers and refuses the connection: name, password, client id or version.',
    remedy: 'Check mqtt.username, mqtt.passwordFile and mqtt.version, and the ACL of the broker.',
  },
  MQTT_TAKEN_OVER: {
    meaning:
      'Another client connected with the id of this kiosk and the broker ended our connection.',
    remedy: 'Give every kiosk its own kiosk.id; look for a second daemon.',
  },
  MQTT_TLS_FAILED: {
    meaning: 'No secure connection to the broker: its certificate or ours is not accepted.',
    remedy:
      'Check mqtt.tls, the host name in mqtt.url, the dates of the certificates and the clock.',
  },
  NO_CAMERA: {
    meaning: 'The configuration has no camera.',
    remedy: 'Add one under cameras:.',
  },
  OUTBOX_FULL: {
    meaning: 'The outbox is at its limit, or the disk is full or cannot be written.',
    remedy: 'Free disk space or bring the broker back; every event that was not kept is counted.',
  },
  OUTBOX_INVALID: {
    meaning: 'The outbox on disk was written by a newer grocerd, or cannot be read.',
    remedy: 'Use the newer version again, or move the state directory away after saving it.',
    exit: exitCodes.config,
  },
  OUTBOX_WRITES_HIGH: {
    meaning:
      'The outbox wrote more in the last 24 hours than outbox.dailyWrites; flash wears out by it.',
    remedy:
      'Look in /metrics for what is written (grocerd_outbox_written_bytes_total, grocerd_events_total); raise outbox.dailyWrites where the disk can take it.',
  },
  PREDICTIONS_INVALID: {
    meaning: 'The held-out predictions cannot be read, or a row is not what this model could say.',
    remedy:
      'Give the out-of-fold.csv that lies in the same model directory; see docs/7-evaluation.md.',
  },
  PRICES_INVALID: {
    meaning: 'The price list cannot be read, a row of it is wrong, or a class has no price in it.',
    remedy:
      'Give a CSV of sku,price[,unit] with a row for each class that the message names; see docs/7-evaluation.md.',
  },
  PRIORS_INVALID: {
    meaning:
      'The file of recognition.priors cannot be read, a row of it is wrong, or none holds here.',
    remedy:
      'Mend the line that the message names; the header is site,sku,share, and an empty site is every site.',
    exit: exitCodes.config,
  },
  PRODUCT_UNKNOWN: {
    meaning:
      'A product was named that neither the model, the catalogue nor the gallery knows, or that several are called.',
    remedy: 'Give its PLU or sku; /api/v1/products lists what the kiosk can name.',
  },
  RATE_LIMITED: {
    meaning: 'More commands of one verb came than a till has reason to send.',
    remedy:
      'Ask once, and again after a second; look for a loop in the till, or for a stranger at the broker.',
  },
  RELOAD_REFUSED: {
    meaning:
      'A reload was asked for and the new configuration cannot be used: the old one stays in force.',
    remedy:
      'Mend what the message names (`grocerd check --config FILE` tells when it is right) and reload again.',
  },
  REPLAY_INVALID: {
    meaning:
      'The base has no usable replay.bin and replay.json, which keep old classes from being forgotten.',
    remedy: 'Use a base that `grocerd train` wrote (or grocery81), or train all classes anew.',
  },
  REPLY_TOO_LARGE: {
    meaning:
      'The broker takes no message as large as the reply to a command: a snapshot has 64 KiB.',
    remedy:
      'Raise max_packet_size of the broker, ask for a smaller box, or send the command over HTTP.',
  },
  RUNTIME_NOT_FOUND: {
    meaning: 'No inference runtime (OpenVINO or ONNX Runtime) was found for this model.',
    remedy:
      'Run `npm ci` with network, or set GROCERD_OPENVINO_DIR; `grocerd doctor` lists places.',
  },
  SELF_TEST_FAILED: {
    meaning: 'A model does not answer as trained, or not its golden pictures as it should.',
    remedy: 'Nothing was changed. Try another runtime or device, and tell who made the model.',
  },
  SESSION_CLOSED: {
    meaning: 'The request names a session that is not open.',
    remedy: 'Open it with the session command first.',
  },
  STATE_LOCKED: {
    meaning: 'Another daemon uses the state directory.',
    remedy: 'Stop it, or give each instance its own outbox.dir.',
    exit: exitCodes.locked,
  },
  STATE_UNWRITABLE: {
    meaning: 'The state directory is not there and cannot be made, or cannot be written.',
    remedy: 'Make it writable for the user of the daemon, or name another one in outbox.dir.',
  },
  TILL_BOOK_INVALID: {
    meaning: 'The book of the scripted till (till.json in its --dir) cannot be read.',
    remedy:
      'Give another --dir, or delete the file: the sale that it was in the middle of is lost.',
  },
  TIMED_OUT: {
    meaning: 'The answer did not come in the time that the request allowed.',
    remedy: 'Ask again; /readyz says what is slow or missing.',
  },
  UPDATE_BUSY: {
    meaning: 'Another change of the model is under way.',
    remedy: 'Wait until it is done; the state shows the model that answers.',
  },
  USAGE: {
    meaning: 'A command was called with arguments that it does not have.',
    remedy: 'See --help of the command.',
    exit: exitCodes.usage,
  },
  VISION_CRASHED: {
    meaning: 'The vision process ended unexpectedly and is being started again.',
    remedy: 'Nothing at once; if it repeats, read the log and run `grocerd doctor`.',
  },
  VISION_HUNG: {
    meaning: 'The vision process gave no sign of life and was killed to be started again.',
    remedy: 'If it repeats, check the GPU driver and the memory, and run `grocerd doctor`.',
  },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errorTable

export { describeError, GroceryError } from './grocery-error.js'

/** What another process says went wrong, as our own error. */
export const coded = ({ code, message }: { code: string; message: string }): GroceryError =>
  new GroceryError(code in errorTable ? (code as ErrorCode) : 'INTERNAL', message)
