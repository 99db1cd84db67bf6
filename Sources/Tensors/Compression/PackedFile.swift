internal import Elements
internal import Files
internal import JSON
internal import Safetensors
internal import SystemPackage
internal import Tensors
internal import Text

/// One file of a compressed checkpoint, with every table read and compared with the original header.
struct PackedFile {
  let file: FilePath
  let original: OriginalHeader
  /// The packed stream of each tensor of the original header, in its order.
  let streams: [(view: TensorView, table: PackedTable)]

  /// Reads what a file's tensors say; no data of the original tensors.
  ///
  /// - Parameters:
  ///   - tensors: all tensors of the file.
  ///   - file: the file.
  /// - Throws: ``CompressionError`` for whatever contradicts itself or fails a checksum.
  init(_ tensors: [TensorView], file: FilePath) throws {
    let headers = tensors.filter { OriginalHeader.isReserved($0.name) }
    guard headers.count == 1, let header = headers.first, header.dtype == .u8 else {
      throw CompressionError.damaged(
        file: file,
        detail: "\(headers.count) tensors '\(OriginalHeader.tensorName)', expected one of dtype U8")
    }
    original = try OriginalHeader(parsing: header.bytes, file: file)
    self.file = file
    var index = UTF8Index(capacity: tensors.count)
    for (position, tensor) in tensors.enumerated() {
      _ = index.insert(tensor.name, at: position, name: { tensors[$0].name })
    }
    let expected = original.header.tensors
    guard expected.count == tensors.count - 1 else {
      throw CompressionError.damaged(
        file: file, detail: "\(tensors.count - 1) tensors, expected \(expected.count)")
    }
    var streams: [(view: TensorView, table: PackedTable)] = []
    for tensor in expected {
      let position = index.position(of: tensor.name, name: { tensors[$0].name })
      guard let view = position.map({ tensors[$0] }) else {
        throw CompressionError.damaged(file: file, detail: "no tensor '\(tensor.name)'")
      }
      streams.append((view, try PackedFile.table(of: view, restoring: tensor, file: file)))
    }
    self.streams = streams
  }

  /// Reads a stream's table, and checks that it is one for a tensor of this dtype and shape.
  private static func table(
    of view: TensorView, restoring tensor: TensorDescription, file: FilePath
  ) throws -> PackedTable {
    do throws(PackedFault) {
      guard view.dtype == .u8 else { throw .notPacked }
      let table = try PackedTable(parsing: view.bytes)
      let byteCount = tensor.dtype.byteCount(shape: tensor.shape) ?? 0
      guard table.byteCount == byteCount else {
        throw .otherTensor(expected: byteCount, found: table.byteCount)
      }
      guard table.elementByteCount == PackedTable.elements(of: tensor.dtype).byteCount else {
        throw .unknownLayout
      }
      return table
    } catch {
      throw CompressionError.damagedTensor(file: file, tensor: tensor.name, fault: error)
    }
  }

  /// The tensors as they were, made from the streams when they are asked for.
  ///
  /// - Parameters:
  ///   - base: what the file is a delta from, if it is one.
  ///   - first: numbers the tensors of several files apart.
  ///   - shared: decoders and the chunks read last.
  /// - Returns: the tensors in the order of the original header.
  /// - Throws: ``CompressionError`` when the base is missing or another.
  func tensors(
    base: TensorSource?, numberedFrom first: Int, shared: ChunkReading
  ) throws -> [TensorView] {
    let bases = try bases(in: base)
    return original.header.tensors.indices.map { index in
      let tensor = original.header.tensors[index]
      let content = CompressedContent(
        streams[index].view, table: streams[index].table, tensor: first + index,
        base: bases[index], shared: shared)
      return TensorView(
        name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, content: content)
    }
  }

  /// The base's tensors that streams refer to; nil for a stream that doesn't.
  private func bases(in source: TensorSource?) throws -> [TensorView?] {
    var bases: [TensorView?] = []
    for (tensor, stream) in zip(original.header.tensors, streams) {
      guard stream.table.usesBase else {
        bases.append(nil)
        continue
      }
      guard let source else {
        throw CompressionError.baseNeeded(file: file, base: original.base ?? "")
      }
      let found = source.find(tensor.name)
      guard let found, found.description == tensor else {
        throw CompressionError.wrongBase(
          file: file, base: source.path, expected: PackedFile.text(of: tensor),
          found: found.map { PackedFile.text(of: $0.description) } ?? "none of that name")
      }
      bases.append(found)
    }
    if let source { try checkSample(bases, source) }
    return bases
  }

  /// Compares the base's bytes of a few chunks with the checksums of the base that the delta was made
  /// from, so that another model of the same shapes is refused before anything is written.
  private func checkSample(
    _ bases: [TensorView?], _ source: TensorSource
  ) throws {
    let chunks = streams.indices.lazy.compactMap { index in
      (0..<streams[index].table.chunkCount).first {
        let coding = streams[index].table.coding(of: $0)
        return coding == .difference || coding == .sameAsBase
      }.map { (tensor: index, chunk: $0) }
    }
    let all = Array(chunks)
    for position in Set([0, all.count / 3, all.count * 2 / 3, all.count - 1])
    where all.indices.contains(position) {
      let table = streams[all[position].tensor].table
      let chunk = table.chunk(all[position].chunk)
      let found =
        try bases[all[position].tensor]?
        .withBytes(table.byteRange(of: all[position].chunk)) { xxh3($0) } ?? 0
      guard found == chunk.baseChecksum else {
        let name = original.header.tensors[all[position].tensor].name
        throw CompressionError.wrongBase(
          file: file, base: source.path,
          expected: "tensor '\(name)' with checksum \(hexadecimal(chunk.baseChecksum))",
          found: hexadecimal(found))
      }
    }
  }

  private static func text(of tensor: TensorDescription) -> String {
    "tensor '\(tensor.name)' \(tensor.dtype.rawValue) \(tensor.shape)"
  }
}
