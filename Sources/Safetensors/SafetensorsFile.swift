internal import JSON
public import SystemPackage
internal import Tensors

/// A safetensors file opened for reading.
public struct SafetensorsFile: Sendable {
  /// Where the file is.
  public let path: FilePath
  /// In the order of the header.
  public let tensors: [TensorView]
  /// The texts of the header's `__metadata__`, in its order.
  public let metadata: [(key: String, value: String)]

  /// Maps the file and checks its header; reads no tensor data.
  public init(opening path: FilePath) throws(SafetensorsError) {
    let storage: ByteStorage
    do { storage = try ByteStorage(mapping: path) } catch {
      throw .cannotOpen(file: path, reason: error)
    }
    let (header, dataStart) = try SafetensorsFile.header(of: storage, path: path)
    var tensors: [TensorView] = []
    var metadata: [(key: String, value: String)] = []
    for member in header.object?.members ?? [] {
      if member.key == "__metadata__" {
        metadata = (member.value.object?.members ?? []).map { ($0.key, $0.value.string ?? "") }
        continue
      }
      guard let dtype = DType(rawValue: member.value["dtype"]?.string ?? ""),
        let shape = member.value["shape"]?.array?.compactMap(\.integer),
        let offsets = member.value["data_offsets"]?.array?.compactMap(\.integer),
        offsets.count == 2, offsets[0] <= offsets[1], dataStart + offsets[1] <= storage.byteCount,
        dtype.byteCount(shape: shape) == offsets[1] - offsets[0]
      else { throw .malformedHeader(file: path, detail: "tensor '\(member.key)'") }
      tensors.append(
        TensorView(
          name: member.key, dtype: dtype, shape: shape, storage: storage,
          byteRange: dataStart + offsets[0]..<dataStart + offsets[1]))
    }
    self.path = path
    self.tensors = tensors
    self.metadata = metadata
  }

  private static func header(
    of storage: ByteStorage, path: FilePath
  ) throws(SafetensorsError) -> (header: JSONValue, dataStart: Int) {
    let bytes = storage.bytes
    guard bytes.byteCount >= 8 else { throw .tooShort(file: path, byteCount: bytes.byteCount) }
    let declared = UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(as: UInt64.self))
    let available = bytes.byteCount - 8
    guard declared <= UInt64(available) else {
      throw .headerTooLarge(file: path, declared: declared, available: available)
    }
    let dataStart = 8 + Int(declared)
    do { return (try JSONValue(parsing: bytes.extracting(8..<dataStart)), dataStart) } catch {
      throw .malformedHeader(file: path, detail: error.description)
    }
  }

  /// The tensor of a name.
  public func tensor(named name: String) throws(SafetensorsError) -> TensorView {
    guard let found = tensors.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
      throw .missingTensor(file: path, tensor: name)
    }
    return found
  }
}
