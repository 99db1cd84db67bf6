internal import Elements
internal import JSON
public import SystemPackage
public import Tensors
internal import Text

/// Opens a GGUF file as a checkpoint: container `gguf`, tensors in blocks as F32 that is made when
/// it is asked for.
///
/// - Parameters:
///   - path: the file.
///   - listsUnknownTypes: whether tensors of types that are not decoded are listed with their shapes,
///     with a problem that says so, instead of refusing the file; reading them throws.
///   - joinsParts: whether a part of a split file stands for all of them; if not, it is opened alone.
/// - Returns: the tensors and the metadata.
/// - Throws: ``GGUFError``; ``GGUFError/cannotDecode(file:tensor:type:)`` for a tensor of a type that
///   is not decoded, ``GGUFError/partOfCheckpoint(file:number:count:missing:)`` for a part whose others
///   are not beside it.
public func openGGUF(
  _ path: FilePath, listsUnknownTypes: Bool = false, joinsParts: Bool = true
) throws -> TensorSource {
  let first = try GGUFFile(opening: path)
  let files = joinsParts ? try first.withOtherParts() : [first]
  let unreadable = files.flatMap(\.tensors).filter { !$0.type.isReadable }
  var views: [TensorView] = []
  for file in files { views += try file.views(listingUnknownTypes: listsUnknownTypes) }
  var problems = files.flatMap(\.problems)
  if files.count > 1 {
    problems.append("one of \(files.count) parts, read together with the others")
  }
  if let first = unreadable.first {
    problems.append(
      "\(unreadable.count) tensors of types that are not decoded, such as \(first.type.name)")
  }
  return try TensorSource(
    path: path, container: .gguf, files: files.map(\.path), tensors: views,
    metadata: files[0].metadata.filter { !GGUFFile.isSplitKey($0.key) || files.count == 1 },
    problems: problems)
}

extension GGUFFile {
  /// Every tensor, in the order of the file: mapped when its elements are stored as they are, else as
  /// F32. Reshaped tensors have their original shape.
  ///
  /// - Throws: ``GGUFError/cannotDecode(file:tensor:type:)`` and
  ///   ``GGUFError/wrongOriginalShape(file:tensor:expected:found:)``.
  public var views: [TensorView] {
    get throws { try views(listingUnknownTypes: false) }
  }

  /// Every tensor; those of types that are not decoded without their elements, where that is wanted.
  func views(listingUnknownTypes: Bool) throws -> [TensorView] {
    let shapes = try originalShapes()
    var views: [TensorView] = []
    for (position, tensor) in tensors.enumerated() {
      if !listingUnknownTypes, case .blocks(let type) = tensor.type.encoding, !type.isDecodable {
        throw GGUFError.cannotDecode(file: path, tensor: tensor.name, type: type)
      }
      views.append(view(of: tensor, shape: shapes[position] ?? tensor.shape))
    }
    return views
  }

  private func view(of tensor: GGUFEntry, shape: [Int]) -> TensorView {
    if let dtype = tensor.type.dtype {
      return bytes.part(
        name: tensor.name, dtype: dtype, shape: shape, range: tensor.byteRange)
    }
    guard case .blocks(let type) = tensor.type.encoding else {
      preconditionFailure("a type that is no dtype is in blocks")
    }
    let codes = bytes.part(
      name: tensor.name, dtype: .u8, shape: [tensor.byteRange.count], range: tensor.byteRange)
    return TensorView(name: tensor.name, shape: shape, codes: codes, type: type)
  }

  /// The shapes that the metadata restore, by the tensor's position.
  private func originalShapes() throws -> [Int: [Int]] {
    let prefix = GGUFFile.originalShapePrefix.utf8
    let entries = values.filter { $0.key.utf8.starts(with: prefix) }
    guard !entries.isEmpty else { return [:] }
    var index = UTF8Index(capacity: tensors.count)
    for (position, tensor) in tensors.enumerated() {
      _ = index.insert(tensor.name, at: position, name: { tensors[$0].name })
    }
    var shapes: [Int: [Int]] = [:]
    for (key, value) in entries {
      let name = String(decoding: key.utf8.dropFirst(prefix.count), as: UTF8.self)
      guard let position = index.position(of: name, name: { tensors[$0].name }) else { continue }
      let tensor = tensors[position]
      guard case .array(let array) = value, array.isComplete,
        let shape = GGUFFile.shape(array, elementCount: tensor.shape.elementCount)
      else {
        throw GGUFError.wrongOriginalShape(
          file: path, tensor: tensor.name,
          expected: "a shape with as many elements as \(tensor.shape)",
          found: value.description)
      }
      shapes[position] = shape
    }
    return shapes
  }

  private static func shape(_ array: GGUFArray, elementCount: Int) -> [Int]? {
    let shape = array.elements.compactMap(\.integer)
    guard shape.count == array.count, (try? GGUFType.f32.byteCount(shape: shape)) != nil,
      shape.elementCount == elementCount
    else { return nil }
    return shape
  }
}
