-- One row per photo. Times are UTC. Names compare byte by byte (utf8mb4_bin), not by language.
CREATE TABLE IF NOT EXISTS data_records (
    id                VARCHAR(191)  NOT NULL,
    batch_id          VARCHAR(160)  NOT NULL,
    project_id        VARCHAR(255)  NOT NULL,
    photo_index       INT           NOT NULL,
    photo_name        VARCHAR(1024) NOT NULL,
    processing_status VARCHAR(16)   NOT NULL,
    face_detected     TINYINT(1)    NOT NULL,
    cropped_photo_url VARCHAR(1024) NULL,
    face_crop_url     VARCHAR(1024) NULL,
    face_x            INT           NULL,
    face_y            INT           NULL,
    face_width        INT           NULL,
    face_height       INT           NULL,
    face_score        DOUBLE        NULL,
    error_code        VARCHAR(64)   NULL,
    error_detail      VARCHAR(1024) NOT NULL,
    finished_at       DATETIME(6)   NOT NULL,
    created_at        DATETIME(6)   NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    updated_at        DATETIME(6)   NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
                                    ON UPDATE CURRENT_TIMESTAMP(6),
    PRIMARY KEY (id),
    KEY data_records_batch (batch_id, photo_index),
    KEY data_records_status (processing_status)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin
