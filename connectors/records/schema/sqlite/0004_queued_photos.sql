-- A photo that is queued has a row, and has not finished. SQLite changes no column: the table is made anew.
CREATE TABLE data_records_made_anew (
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
    finished_at       TEXT,
    created_at        TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    updated_at        TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);
INSERT INTO data_records_made_anew (
    id, batch_id, project_id, photo_index, face_index, photo_name, run, processing_status,
    face_detected, cropped_photo_url, face_crop_url, face_x, face_y, face_width, face_height,
    face_score, face_sharpness, face_brightness, face_tilt, face_rejected, error_code,
    error_detail, finished_at, created_at, updated_at
) SELECT
    id, batch_id, project_id, photo_index, face_index, photo_name, run, processing_status,
    face_detected, cropped_photo_url, face_crop_url, face_x, face_y, face_width, face_height,
    face_score, face_sharpness, face_brightness, face_tilt, face_rejected, error_code,
    error_detail, finished_at, created_at, updated_at
    FROM data_records;
DROP TABLE data_records;
ALTER TABLE data_records_made_anew RENAME TO data_records;
CREATE INDEX data_records_batch ON data_records (batch_id, photo_index, face_index);
CREATE INDEX data_records_status ON data_records (processing_status);
CREATE INDEX data_records_state
    ON data_records (batch_id, face_index, processing_status, photo_index, face_detected);
