internal import Concurrency
internal import Elements
internal import Files
internal import Safetensors
internal import SystemPackage
internal import Tensors

/// Writes one container: its header last, because only then sizes are known.
///
/// The place of the header is reserved for the largest sizes that could come out, so nothing has to
/// be moved; what is left of it is padding.
final class CompressedWriter {
  private let input: CompressionInput
  private let path: FilePath
  private let file: AtomicFile
  private let metadata: Metadata
  private let streams: [StreamPlan]
  /// The base's tensor of each tensor; nil where it has none of this name, dtype and shape.
  private let bases: [TensorView?]
  private let original: HeaderBytes
  private let headerName: String
  private let originalHeader: [UInt8]
  private let headerByteCount: Int
  private let encoders: Pool<ChunkEncoder>
  private var packedByteCounts: [Int] = []
  private var end: Int
  private var summary = CompressionSummary()

  /// One chunk to be done.
  private struct Job {
    let tensor: Int
    let range: Range<Int>
    let isLast: Bool
  }

  init(_ input: CompressionInput, creating path: FilePath, overwrite: Bool) throws {
    precondition(
      8...PackedTable.chunkByteLimit ~= input.chunkByteCount && input.chunkByteCount % 8 == 0,
      "chunks hold a multiple of 8 bytes, within the limit")
    self.input = input
    self.path = path
    original = try CompressedWriter.originalHeader(of: input, path)
    bases = input.tensors.map { tensor in
      input.base?.find(tensor.name).flatMap { $0.description == tensor ? $0 : nil }
    }
    let bases = self.bases
    streams = try input.tensors.enumerated().map { index, tensor in
      try StreamPlan(
        tensor, chunkByteCount: input.chunkByteCount, usesBase: bases[index] != nil, file: path)
    }
    let base = input.base == nil ? nil : input.baseName ?? ""
    let originalHeader = OriginalHeader(header: original, base: base)
    self.originalHeader = originalHeader.encoded()
    headerName = input.headerName
    metadata = original.metadata + [(OriginalHeader.metadataKey, originalHeader.marker)]
    let largest = try HeaderBytes(
      tensors: CompressedWriter.tensors(
        input, headerName, [self.originalHeader.count] + streams.map(\.largestByteCount)),
      metadata: metadata, file: path)
    headerByteCount = largest.bytes.count
    end = headerByteCount + self.originalHeader.count
    let chunkByteCount = input.chunkByteCount
    encoders = Pool { ChunkEncoder(chunkByteCount: chunkByteCount) }
    file = try AtomicFile(creating: path, overwrite: overwrite)
    summary.originalByteCount = original.fileByteCount
  }

  /// Compresses and writes all tensors.
  func writeChunks(
    produce: (Int, Range<Int>, inout MutableRawSpan) throws -> Void,
    progress: (Int) throws -> Void
  ) throws {
    // A few for each thread, so that those that are done early have more to do; with a block for
    // each chunk and three more for each encoder, well under 100 MB.
    let width = max(1, min(4 * Parallel.threadCount, (20 << 20) / input.chunkByteCount))
    let slots = (0..<width).map { _ in EncodedChunk(chunkByteCount: input.chunkByteCount) }
    let jobs = self.jobs
    let originalHeader = self.originalHeader
    unsafe try file.write(originalHeader.span.bytes, at: headerByteCount)
    var records: [UInt8] = []
    var start = end
    for first in stride(from: 0, to: jobs.count, by: width) {
      let batch = Array(jobs[first..<min(jobs.count, first + width)])
      try encode(batch, into: slots, produce)
      try write(batch, slots, &records, &start)
      try progress(batch.reduce(0) { $0 + $1.range.count })
    }
  }

  /// Writes the header and gives the file its name.
  func commit() throws -> CompressionSummary {
    let header = try HeaderBytes(
      tensors: CompressedWriter.tensors(
        input, headerName, [originalHeader.count] + packedByteCounts),
      metadata: metadata, file: path, byteCount: headerByteCount)
    unsafe try file.write(header.bytes.span.bytes, at: 0)
    try file.commit()
    summary.byteCount = end
    return summary
  }

  /// Every chunk, in the order of the file; one without bytes for an empty tensor, which has a table
  /// all the same.
  private var jobs: [Job] {
    streams.enumerated().flatMap { tensor, stream in
      let step = input.chunkByteCount
      return (0..<max(1, stream.chunkCount)).map { chunk in
        let range = chunk * step..<min(stream.byteCount, (chunk + 1) * step)
        return Job(tensor: tensor, range: range, isLast: range.upperBound == stream.byteCount)
      }
    }
  }

  private func encode(
    _ jobs: [Job], into slots: [EncodedChunk],
    _ produce: (Int, Range<Int>, inout MutableRawSpan) throws -> Void
  ) throws {
    try Parallel.forEachThrowing(jobs.count, work: .max) { index throws(any Error) in
      try encoders.withItem { encoder throws(any Error) in
        try encode(jobs[index], into: slots[index], encoder, produce)
      }
    }
  }

  private func encode(
    _ job: Job, into slot: EncodedChunk, _ encoder: ChunkEncoder,
    _ produce: (Int, Range<Int>, inout MutableRawSpan) throws -> Void
  ) throws {
    let stream = streams[job.tensor]
    guard !job.range.isEmpty else { return slot.clear() }
    try encoder.input.withMutableBytes(job.range.count) { output throws(any Error) in
      try produce(job.tensor, job.range, &output)
    }
    let encode = { (base: RawSpan?) in
      encoder.encode(
        byteCount: job.range.count, elementByteCount: stream.elementByteCount,
        isRotated: stream.isRotated, usesBase: stream.usesBase, base: base, into: slot)
    }
    guard let base = bases[job.tensor] else { return encode(nil) }
    try base.withBytes(job.range) { encode($0) }
  }

  /// Places encoded chunks one behind the other and writes them, and the table of a tensor with its
  /// last one.
  private func write(
    _ jobs: [Job], _ slots: [EncodedChunk], _ records: inout [UInt8], _ start: inout Int
  ) throws {
    var places: [Int] = []
    for (job, slot) in zip(jobs, slots) {
      if job.range.lowerBound == 0 {
        start = end
        end += streams[job.tensor].tableByteCount
      }
      places.append(end)
      end += slot.byteCount
      records += slot.record
      summary.count(slot.coding, byteCount: job.range.count)
      guard job.isLast else { continue }
      try writeTable(of: job.tensor, records: records, at: start)
      packedByteCounts.append(end - start)
      records.removeAll(keepingCapacity: true)
    }
    try Parallel.forEachThrowing(jobs.count, work: .max) { index throws in
      let slot = slots[index]
      try slot.memory.withBytes(slot.byteCount) { bytes throws in
        try file.write(bytes, at: places[index])
      }
    }
  }

  private func writeTable(
    of tensor: Int, records: [UInt8], at place: Int
  ) throws {
    let stream = streams[tensor]
    let table = PackedTable.encode(
      elementByteCount: stream.elementByteCount, byteCount: stream.byteCount,
      chunkByteCount: input.chunkByteCount, usesBase: stream.usesBase, records: records)
    unsafe try file.write(table.span.bytes, at: place)
  }
}

/// What can be said before anything is written.
extension CompressedWriter {
  private static func originalHeader(
    of input: CompressionInput, _ path: FilePath
  ) throws -> HeaderBytes {
    let header = try header(of: input, path)
    if header.metadata[OriginalHeader.metadataKey] != nil {
      throw CompressionError.alreadyCompressed(file: path)
    }
    if let tensor = input.tensors.first(where: { OriginalHeader.isReserved($0.name) }) {
      throw CompressionError.reservedName(file: path, tensor: tensor.name)
    }
    if let name = input.baseName, name.utf8.count > OriginalHeader.baseNameLimit {
      throw SafetensorsError.invalidOutput(
        file: path,
        detail: "a base's name of \(name.utf8.count) bytes, expected at most "
          + "\(OriginalHeader.baseNameLimit)")
    }
    return header
  }

  private static func header(of input: CompressionInput, _ path: FilePath) throws -> HeaderBytes {
    guard let bytes = input.originalHeader else {
      return try HeaderBytes(tensors: input.tensors, metadata: input.metadata, file: path)
    }
    let header = try HeaderBytes(parsing: bytes, file: path)
    guard header.tensors == input.tensors else { throw CompressionError.otherHeader(file: path) }
    return header
  }

  /// The container's tensors when they take that many bytes.
  private static func tensors(
    _ input: CompressionInput, _ headerName: String, _ byteCounts: [Int]
  ) -> [TensorDescription] {
    zip([headerName] + input.tensors.map(\.name), byteCounts).map {
      TensorDescription(name: $0, dtype: .u8, shape: [$1])
    }
  }
}
