internal import Files
internal import Synchronization
public import SystemPackage

/// Writes a GGUF file, version 3, that appears complete or not at all.
///
/// Sizes are known from the start, so the header is written first and tensors may come in any order
/// and from several threads. Tensors lie in the order given, each padded with zeros to the
/// alignment, as ggml's own tools write them.
public final class GGUFWriter: Sendable {
  /// The destination.
  public let path: FilePath
  /// What is written, in the order of the file.
  public let tensors: [GGUFEntry]
  /// Size of the whole file.
  public let byteCount: Int

  private let file: AtomicFile
  /// Where each tensor's bytes lie in the file.
  private let ranges: [Range<Int>]
  private let written: Mutex<[WrittenRanges]>

  /// Creates the temporary with its header and padding, and reserves the space of all tensors.
  ///
  /// - Parameters:
  ///   - path: the destination; its folder must exist.
  ///   - metadata: the values, in the order of the file; `general.alignment` is added when it isn't 32.
  ///   - tensors: what will be written, in the order of the file.
  ///   - alignment: what tensors begin at a multiple of; a power of two.
  ///   - overwrite: whether a regular file at the destination may be replaced.
  /// - Throws: ``GGUFError/file(_:)``, or ``GGUFError/invalidOutput(file:detail:)`` for what no reader
  ///   takes: names given twice or over 127 bytes, more than four axes, rows that end inside a block.
  public init(
    creating path: FilePath, metadata: [(key: String, value: GGUFValue)],
    tensors: [GGUFEntry], alignment: Int = 32, overwrite: Bool
  ) throws {
    let header: GGUFHeaderBytes
    do {
      header = try GGUFHeaderBytes(metadata: metadata, tensors: tensors, alignment: alignment)
    } catch {
      throw GGUFError.invalidOutput(file: path, detail: error.description)
    }
    self.path = path
    self.tensors = tensors
    byteCount = header.fileByteCount
    ranges = header.ranges
    written = Mutex(Array(repeating: WrittenRanges(), count: tensors.count))
    file = try AtomicFile(creating: path, byteCount: byteCount, overwrite: overwrite)
    unsafe try file.write(header.bytes.span.bytes, at: 0)
    try writePadding()
  }

  /// Writes a part of a tensor, or the whole. Any order, from several threads; each byte once.
  ///
  /// - Parameters:
  ///   - bytes: elements or blocks as the tensor's type stores them, row by row.
  ///   - index: which of ``tensors``.
  ///   - byteOffset: where in the tensor the bytes begin.
  /// - Throws: ``GGUFError/file(_:)``.
  public func write(
    _ bytes: RawSpan, tensor index: Int, at byteOffset: Int = 0
  ) throws {
    let range = byteOffset..<byteOffset + bytes.byteCount
    precondition(
      byteOffset >= 0 && range.upperBound <= ranges[index].count, "bytes must lie in their tensor")
    try file.write(bytes, at: ranges[index].lowerBound + byteOffset)
    written.withLock { $0[index].insert(range) }
  }

  /// Checks that every byte was written, makes the file durable and gives it its name.
  public func commit() throws {
    let counts = written.withLock { $0.map(\.byteCount) }
    for (index, count) in counts.enumerated() where count != ranges[index].count {
      file.discard()
      throw GGUFError.incompleteOutput(
        file: path, tensor: tensors[index].name, written: count, expected: ranges[index].count)
    }
    try file.commit()
  }

  /// Gives the output up: removes the temporary. Dropping the writer does the same.
  public func discard() { file.discard() }

  /// Writes the zeros after each tensor.
  private func writePadding() throws {
    for (index, range) in ranges.enumerated() {
      let next = index + 1 < ranges.count ? ranges[index + 1].lowerBound : byteCount
      let zeros = [UInt8](repeating: 0, count: next - range.upperBound)
      if !zeros.isEmpty { unsafe try file.write(zeros.span.bytes, at: range.upperBound) }
    }
  }
}
