-- For the photos of a batch by their state, in order: pages of them, and how many there are.
CREATE INDEX IF NOT EXISTS data_records_state
    ON data_records (batch_id, face_index, processing_status, photo_index, face_detected);
