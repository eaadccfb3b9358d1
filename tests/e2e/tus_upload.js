// Uploads a file by tus-js-client as its users do, and prints what the server told of the batch.
// node tus_upload.js FILE ENDPOINT CHUNK_BYTES METADATA_JSON
const fs = require("fs");
const path = require("path");
const tus = require("tus-js-client");

const [file, endpoint, chunkBytes, metadata] = process.argv.slice(2);
const told = { batches: [], requests: 0 };

new tus.Upload(fs.createReadStream(file), {
  endpoint,
  chunkSize: Number(chunkBytes) || Infinity,
  retryDelays: Array(60).fill(250),
  metadata: { filename: path.basename(file), ...JSON.parse(metadata) },
  onAfterResponse(_request, response) {
    told.requests += 1;
    const batch = response.getHeader("Streamapp-Batch-Id");
    if (batch && !told.batches.includes(batch)) told.batches.push(batch);
  },
  onSuccess() {
    process.stdout.write(JSON.stringify(told));
  },
  onError(error) {
    process.stderr.write(String(error));
    process.exit(1);
  },
}).start();
