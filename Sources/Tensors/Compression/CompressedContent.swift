internal import Concurrency
internal import Files
internal import Synchronization
internal import SystemPackage
internal import Tensors

/// One tensor of a container, restored chunk by chunk when it is asked for.
final class CompressedContent: TensorContent {
  let file: FilePath
  let table: PackedTable
  private let tensor: Int
  private let stream: TensorView
  private let base: TensorView?
  private let shared: ChunkReading

  /// - Parameters:
  ///   - stream: the packed stream.
  ///   - table: of the stream.
  ///   - tensor: a number that no other tensor that shares the same has.
  ///   - base: the base's tensor; nil when the stream doesn't use one.
  ///   - shared: decoders and the chunks read last.
  init(
    _ stream: TensorView, table: PackedTable, tensor: Int, base: TensorView?,
    shared: ChunkReading
  ) {
    self.stream = stream
    self.table = table
    self.tensor = tensor
    self.base = base
    self.shared = shared
    file = stream.file ?? ""
  }

  func read(_ range: Range<Int>, into output: inout MutableRawSpan) throws(FileError) {
    guard !range.isEmpty else { return }
    let first = range.lowerBound / table.chunkByteCount
    let last = (range.upperBound - 1) / table.chunkByteCount
    try unsafe output.withUnsafeMutableBytes { output throws(FileError) in
      // Chunks go to places of their own.
      nonisolated(unsafe) let output = unsafe output
      try Parallel.forEachThrowing(
        last - first + 1, work: range.count
      ) { index throws(FileError) in
        let wanted = table.byteRange(of: first + index).clamped(to: range)
        let place =
          wanted.lowerBound - range.lowerBound..<wanted.upperBound - range.lowerBound
        var part = unsafe MutableRawSpan(
          _unsafeBytes: UnsafeMutableRawBufferPointer(rebasing: output[place]))
        try read(wanted, of: first + index, into: &part)
      }
    }
  }

  /// Reads what is wanted of one chunk: straight to its place when that is all of it.
  private func read(
    _ wanted: Range<Int>, of chunk: Int, into output: inout MutableRawSpan
  ) throws(FileError) {
    let whole = table.byteRange(of: chunk)
    if wanted == whole { return try decode(chunk, into: &output) }
    let key = ChunkReading.Key(tensor: tensor, chunk: chunk)
    let memory: Memory
    if let known = shared.find(key) {
      memory = known
    } else {
      memory = Memory(byteCount: whole.count)
      try memory.withMutableBytes(whole.count) { bytes throws(FileError) in
        try decode(chunk, into: &bytes)
      }
      shared.keep(memory, for: key)
    }
    let start = wanted.lowerBound - whole.lowerBound
    memory.withBytes(whole.count) {
      copy($0.extracting(start..<start + wanted.count), into: &output)
    }
  }

  /// Restores a whole chunk and checks it.
  private func decode(
    _ chunk: Int, into output: inout MutableRawSpan
  ) throws(FileError) {
    do {
      try unsafe output.withUnsafeMutableBytes { output in
        try shared.decoders.withItem { decoder throws(any Error) in
          func decode(_ base: RawSpan?) throws {
            var part = unsafe MutableRawSpan(_unsafeBytes: output)
            try decoder.decode(chunk, of: table, stream: stream.bytes, base: base, into: &part)
          }
          guard let base else { return try decode(nil) }
          try base.withBytes(table.byteRange(of: chunk)) { try decode($0) }
        }
      }
    } catch let error as FileError {
      throw error
    } catch {
      throw .damagedContent(file: file, detail: "tensor '\(stream.name)': \(error)")
    }
  }
}

/// What the tensors of a container share: decoders, and the chunks of which a part was read last,
/// because the next part is often in the same.
final class ChunkReading: Sendable {
  struct Key: Equatable {
    let tensor: Int
    let chunk: Int
  }

  let decoders = Pool { ChunkDecoder() }
  private let recent = Mutex<[(key: Key, memory: Memory)]>([])

  /// A chunk that was kept.
  func find(_ key: Key) -> Memory? {
    recent.withLock { recent in
      recent.first { $0.key == key }?.memory
    }
  }

  /// Keeps a chunk, and lets the oldest go: two for each thread, since each may read across a border.
  func keep(_ memory: Memory, for key: Key) {
    let limit = 2 * min(Parallel.threadCount, 16)
    recent.withLock { recent in
      if recent.count >= limit { recent.removeFirst(recent.count - limit + 1) }
      recent.append((key, memory))
    }
  }
}
