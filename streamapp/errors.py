"""The closed catalogue of everything that can go wrong: a code, its fate and its sentence.

Client libraries' exceptions are translated into these at the edge (the connectors); nothing
else of theirs travels further. The fate says what the stream does: *reject* (bad for good: the
photo or the request fails with this code), *retry* (worth another attempt) or *wait* (a service
is away; nobody's attempt is spent). The HTTP status is looked up here and nowhere else.
"""

from __future__ import annotations

from enum import Enum, StrEnum

PROBLEM_TYPE = "application/problem+json"

_OWN_FAULTS_FROM = 500


class Fate(StrEnum):
    """What becomes of the work that met an error."""

    REJECT = "reject"
    RETRY = "retry"
    WAIT = "wait"


class Code(Enum):
    """One entry of the catalogue: ``(fate, HTTP status, sentence)``.

    The member's name in lower case is the stable code that travels in events, rows and answers.
    """

    # The request.
    BODY_NOT_MULTIPART = (
        Fate.REJECT,
        415,
        "The body must be multipart/form-data with the fields file and projectId.",
    )
    BODY_NOT_OFFSET = (Fate.REJECT, 415, "The body must be application/offset+octet-stream.")
    BODY_NOT_JSON = (Fate.REJECT, 400, "The body must be a JSON object with the known members.")
    BODY_BROKEN = (Fate.REJECT, 400, "The body is malformed or was cut off.")
    BODY_TOO_SLOW = (Fate.REJECT, 408, "The body came too slowly; the upload was given up.")
    FIELD_MISSING = (Fate.REJECT, 400, "A required form field is missing.")
    FIELD_INVALID = (Fate.REJECT, 400, "A form field has a value that is not allowed.")
    BATCH_UNKNOWN = (Fate.REJECT, 404, "There is no batch with this id.")
    BATCH_CLOSED = (Fate.REJECT, 409, "The batch has ended.")
    BATCH_OPEN = (Fate.REJECT, 409, "The batch has not ended yet; wait for it, or cancel it.")
    BATCH_FULL = (Fate.REJECT, 409, "The batch cannot take more; open a new one.")
    KEY_REUSED = (
        Fate.REJECT,
        422,
        "The Idempotency-Key was used before for another request; take a new one.",
    )
    KEY_FORBIDDEN = (Fate.REJECT, 403, "Objects under this key are not for import.")
    LENGTH_MISSING = (Fate.REJECT, 411, "The request needs a length.")
    PROJECT_QUOTA = (Fate.REJECT, 403, "The project's archives fill its quota.")
    UPLOAD_UNKNOWN = (Fate.REJECT, 404, "There is no upload with this id.")
    UPLOAD_EXPIRED = (Fate.REJECT, 410, "The upload was given up too long ago; begin a new one.")
    UPLOAD_OFFSET = (Fate.REJECT, 409, "The upload stands at another offset; ask for it by HEAD.")
    UPLOAD_LOCKED = (Fate.WAIT, 423, "Another request writes to this upload; try again shortly.")
    UPLOAD_CHECKSUM = (Fate.REJECT, 460, "The checksum does not match what came; send it again.")
    TUS_VERSION = (Fate.REJECT, 412, "This is tus 1.0.0; the header Tus-Resumable must say so.")
    ROUTE_UNKNOWN = (Fate.REJECT, 404, "There is nothing at this address.")
    METHOD_NOT_ALLOWED = (Fate.REJECT, 405, "This address does not answer that method.")
    PHOTO_UNKNOWN = (Fate.REJECT, 404, "The batch has no photo with this index.")
    FACE_UNKNOWN = (Fate.REJECT, 404, "No such face was found in the photo, so far.")
    CROP_MISSING = (
        Fate.REJECT,
        404,
        "There is no crop of the face: it is beyond a limit, or crops are not kept so long.",
    )
    ORIGINAL_MISSING = (Fate.REJECT, 404, "The original is not kept any more.")
    RANGE_INVALID = (Fate.REJECT, 416, "The range lies outside of what was asked for.")
    DOWNLOADS_BUSY = (Fate.WAIT, 503, "As many downloads as allowed run; try again shortly.")
    UPLOADS_BUSY = (Fate.WAIT, 503, "As many uploads as allowed are running; try again shortly.")
    WATCHERS_BUSY = (
        Fate.WAIT,
        503,
        "As many as allowed wait for news of batches; ask without waiting, or try again shortly.",
    )
    INTERNAL = (Fate.RETRY, 500, "The service made a mistake; the log has the details.")

    # The archive.
    ARCHIVE_NOT_ZIP = (Fate.REJECT, 422, "The file is not a ZIP archive.")
    ARCHIVE_BROKEN = (Fate.REJECT, 422, "The archive's central directory is damaged.")
    ARCHIVE_MULTI_DISK = (Fate.REJECT, 422, "Archives split over several files are not supported.")
    ARCHIVE_OVERLAP = (Fate.REJECT, 422, "Entries of the archive overlap, as in a ZIP bomb.")
    ARCHIVE_EMPTY = (Fate.REJECT, 422, "The archive is empty.")
    ARCHIVE_NO_PHOTOS = (Fate.REJECT, 422, "The archive holds no photos.")
    ARCHIVE_TOO_LARGE = (Fate.REJECT, 413, "The archive is larger than the limit.")
    ARCHIVE_RATIO = (Fate.REJECT, 422, "The archive inflates to too many times its size.")
    ARCHIVE_TOO_MANY_ENTRIES = (Fate.REJECT, 413, "The archive has more entries than the limit.")

    # An entry of the archive.
    ENTRY_ENCRYPTED = (Fate.REJECT, 422, "The entry is encrypted.")
    ENTRY_METHOD = (Fate.REJECT, 422, "The entry's compression method is not supported.")
    ENTRY_TOO_LARGE = (Fate.REJECT, 422, "The entry is larger than the limit for a photo.")
    ENTRY_BROKEN = (Fate.REJECT, 422, "The entry's data do not match the archive's directory.")
    ENTRY_DUPLICATE = (Fate.REJECT, 422, "An earlier entry of the archive has the same name.")
    ENTRY_PATH = (Fate.REJECT, 422, "The entry's name is not a plain relative path.")
    ENTRY_NOT_A_FILE = (Fate.REJECT, 422, "The entry is a link or a device, not a file.")

    # A photo.
    PHOTO_NOT_AN_IMAGE = (Fate.REJECT, 422, "The file is not an image of a supported format.")
    PHOTO_BROKEN = (Fate.REJECT, 422, "The image is damaged and cannot be decoded.")
    PHOTO_TOO_LARGE = (Fate.REJECT, 422, "The file is larger than the limit for a photo.")
    PHOTO_TOO_MANY_PIXELS = (Fate.REJECT, 422, "The image has more pixels than the limit.")
    PHOTO_TIMED_OUT = (Fate.RETRY, 422, "The image took longer than the time limit.")
    PHOTO_CRASHED = (Fate.RETRY, 422, "The process that decoded the image died.")

    # The services around.
    CHILD_STUCK = (Fate.WAIT, 503, "A child process did not come back; its work is done again.")
    OBJECT_MISSING = (Fate.REJECT, 404, "The object is not in the object store.")
    STORE_AWAY = (Fate.WAIT, 503, "The object store does not answer; try again shortly.")
    RECORDS_AWAY = (Fate.WAIT, 503, "The database does not answer; try again shortly.")
    KAFKA_AWAY = (Fate.WAIT, 503, "Kafka does not answer; try again shortly.")
    PROGRESS_AWAY = (
        Fate.WAIT,
        503,
        "The worker that owns this batch is starting or being replaced; try again shortly.",
    )

    UPLOADER_AWAY = (Fate.WAIT, 503, "The uploader does not answer; try again shortly.")
    WORKERS_AWAY = (Fate.WAIT, 503, "No worker answers; try again shortly.")
    NOT_THE_UPLOADER = (Fate.REJECT, 502, "What answers at this address is not the uploader.")

    # The installation.
    SETTING_INVALID = (Fate.REJECT, 500, "A setting has a value that is not allowed.")
    TOPICS_MISSING = (Fate.REJECT, 500, "Kafka topics are missing; run: streamapp topics")
    TOPICS_MISMATCH = (
        Fate.REJECT,
        500,
        (
            "Kafka topics differ from the settings; run: streamapp topics. If partitions differ, "
            "first set PARTITIONS to what the topics have (keyed topics cannot change them), or "
            "take another KAFKA_PREFIX."
        ),
    )
    RECORDS_NEWER = (
        Fate.REJECT,
        500,
        "A later release has changed the database; use that release or another database.",
    )
    JAVA_MISSING = (Fate.REJECT, 500, "No Java 17 or newer was found for the embedded Kafka.")
    KAFKA_NOT_STARTED = (Fate.REJECT, 500, "The embedded Kafka did not start.")
    PORT_TAKEN = (Fate.REJECT, 500, "The port is in use; choose another with --port.")
    PROCESS_FAILED = (Fate.REJECT, 500, "A process of the installation does not run.")
    FOLDER_UNUSABLE = (Fate.REJECT, 500, "A file or folder of the command cannot be used.")
    MODEL_MISMATCH = (Fate.REJECT, 500, "The face detection model is not the expected file.")

    def __init__(self, fate: Fate, status: int, sentence: str) -> None:
        self.fate = fate
        self.status = status
        self.sentence = sentence

    @property
    def code(self) -> str:
        """The stable name that travels: ``archive_not_zip``."""
        return self.name.lower()


class StreamappError(Exception):
    """An error of the catalogue, with the particulars of this case in ``detail``."""

    def __init__(self, code: Code, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    @property
    def fate(self) -> Fate:
        """What the stream does about it."""
        return self.code.fate

    def __str__(self) -> str:
        """The sentence, and the particulars when there are any."""
        return f"{self.code.sentence} ({self.detail})" if self.detail else self.code.sentence


def problem(error: StreamappError) -> dict[str, object]:
    """The members of an RFC 9457 problem; the particulars of the service's own faults stay out."""
    code = error.code
    theirs = code.status < _OWN_FAULTS_FROM
    return {
        "type": f"urn:streamapp:error:{code.code}",
        "title": code.sentence,
        "status": code.status,
        "detail": (theirs and error.detail) or code.sentence,
        "code": code.code,
        "success": False,
    }
