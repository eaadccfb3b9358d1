-- One row per face, or one per photo without a face. Times are UTC text, 2026-01-31 23:59:59.000000.
CREATE TABLE IF NOT EXISTS data_records (
    id                TEXT    NOT NULL PRIMARY KEY,
    batch_id          TEXT    NOT NULL,
    project_id        TEXT    NOT NULL,
    photo_index       INTEGER NOT NULL,
    face_index        INTEGER NOT NULL,
    photo_name        TEXT    NOT NULL,
    run               INTEGER NOT NULL DEFAULT 1,
    processing_status TEXT    NOT NULL,
    face_detected     INTEGER NOT NULL,
    cropped_photo_url TEXT,
    face_crop_url     TEXT,
    face_x            INTEGER,
    face_y            INTEGER,
    face_width        INTEGER,
    face_height       INTEGER,
    face_score        REAL,
    face_sharpness    REAL,
    face_brightness   REAL,
    face_tilt         REAL,
    face_rejected     TEXT,
    error_code        TEXT,
    error_detail      TEXT    NOT NULL,
    finished_at       TEXT    NOT NULL,
    created_at        TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    updated_at        TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);
CREATE INDEX IF NOT EXISTS data_records_batch ON data_records (batch_id, photo_index, face_index);
CREATE INDEX IF NOT EXISTS data_records_status ON data_records (processing_status);
