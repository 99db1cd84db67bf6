internal import Elements
package import JSON
public import Tensors
internal import Text

/// What a checkpoint's own notes say of how layers are stored: read from small tensors beside the
/// weights and from the header, once, before anything is judged.
///
/// **Source:** Comfy-Org/ComfyUI, `comfy/ops.py` and `comfy/utils.py`, `convert_old_quants`
/// (`comfy_quant`, `_quantization_metadata`); bitsandbytes-foundation/bitsandbytes,
/// `bitsandbytes/functional.py`, `QuantState.as_dict` (`quant_state`); pytorch/ao 0.18.0,
/// `prototype/safetensors/safetensors_support.py`, `flatten_tensor_state_dict` (texts of the header).
public struct StorageNotes: Sendable {
  /// What is said of a layer.
  package struct Note: Sendable, Equatable {
    /// The whole note.
    package let object: JSONObject
    /// Its text where the file has it as a tensor.
    package let bytes: [UInt8]?
    /// What the header says of the same layer, where that is something else.
    fileprivate(set) var contradiction: JSONObject?

    /// What it says by a key, in itself, in its `params` or in its `_data`.
    subscript(key: String) -> JSONValue? {
      object[key] ?? object["params"]?[key] ?? object["_data"]?[key]
    }
  }

  /// Notes in tensors, by the bytes of the layer's path.
  private var layers: [[UInt8]: Note] = [:]
  /// Notes in the header; the paths may lack what stands before every name.
  private var header: [[UInt8]: Note] = [:]
  /// Layers whose notes are in bytes that aren't at hand, as in a difference without its base.
  private var missing: Set<[UInt8]> = []
  /// What programs other than ComfyUI say of the layers that they store.
  private var descriptions: [[UInt8]: Note] = [:]

  /// The key of the header's notes.
  package static var headerKey: String { Recognition.shared.storageWords.headerKey }

  /// No notes.
  public init() {}

  /// The notes of a checkpoint. Reads small tensors only.
  public init(_ source: TensorSource) {
    let words = Recognition.shared.storageWords
    let ending = "." + words.note
    // Most notes are equal, so that each text is read once.
    var known: [[UInt8]: JSONObject] = [:]
    for view in source.tensors where view.dtype == .u8 && view.byteCount <= Self.longest {
      let isNote = view.name.utf8HasSuffix(ending)
      guard isNote || view.name.utf8.contains("__".utf8) else { continue }
      guard let bytes = Self.bytes(of: view) else {
        if isNote { missing.insert(Array(StoredName(view.name).path.utf8)) }
        continue
      }
      let object = known[bytes] ?? (try? unsafe JSONValue(parsing: bytes.span.bytes))?.object
      guard let object else { continue }
      known[bytes] = object
      let path = StoredName(view.name).path
      if isNote {
        layers[Array(path.utf8)] = Note(object: object, bytes: bytes)
      } else {
        descriptions[Array(path.utf8)] = Note(object: object, bytes: nil)
      }
    }
    for (key, value) in source.metadata where StoredName(key).name == "weight" {
      guard let object = Self.tensorDescription(value) else { continue }
      descriptions[Array(StoredName(key).path.utf8)] = Note(object: object, bytes: nil)
    }
    guard
      let text = source.metadata.first(where: { $0.key.sameBytes(as: words.headerKey) }),
      let list = (try? JSONValue(parsing: text.value))?["layers"]?.object
    else { return }
    for member in list.members {
      guard let object = member.value.object ?? Self.object(in: member.value.string) else {
        continue
      }
      header[Array(member.key.utf8)] = Note(object: object, bytes: nil)
    }
  }

  /// The longest note that is read.
  private static let longest = 4096

  private static func bytes(of view: TensorView) -> [UInt8]? {
    try? view.withBytes(0..<view.byteCount) { bytes in
      unsafe bytes.withUnsafeBytes { unsafe Array($0) }
    }
  }

  private static func object(in text: String?) -> JSONObject? {
    text.flatMap { try? JSONValue(parsing: $0) }?.object
  }

  /// What torchao's text for a tensor says; nil for any other text.
  private static func tensorDescription(_ text: String) -> JSONObject? {
    text.utf8HasPrefix("{\"_type\"") ? object(in: text) : nil
  }

  /// The header's texts without those that describe layers.
  package static func removing(from metadata: Metadata) -> Metadata {
    let described = metadata.contains { tensorDescription($0.value) != nil }
    return Metadata(
      metadata.filter { key, value in
        !key.sameBytes(as: headerKey) && tensorDescription(value) == nil
          && !(described && key == tensorList)
      })
  }

  /// The key of torchao's list of all tensors that it describes.
  private static let tensorList = "tensor_names"

  /// The header's texts with the notes' layers under other names.
  ///
  /// - Parameters:
  ///   - metadata: the header's texts.
  ///   - rename: the new name of a layer; nil for one that is no longer there.
  /// - Returns: all of them; those that are no notes as they were.
  package static func renaming(
    _ metadata: Metadata, _ rename: (String) -> String?
  ) -> Metadata {
    let described = metadata.contains { tensorDescription($0.value) != nil }
    return Metadata(
      metadata.compactMap { key, value -> Metadata.Element? in
        if described, tensorDescription(value) != nil { return rename(key).map { ($0, value) } }
        if described, key == tensorList,
          let names = (try? JSONValue(parsing: value))?.array?.compactMap(\.string)
        {
          let renamed = names.compactMap(rename).map { JSONValue.string($0) }
          return (key, JSONValue.array(renamed).text())
        }
        guard key.sameBytes(as: headerKey),
          case .object(var notes)? = try? JSONValue(parsing: value),
          let layers = notes["layers"]?.object
        else { return (key, value) }
        let members = layers.members.compactMap { member in
          rename(member.key).map { JSONObject.Member(key: $0, value: member.value) }
        }
        if members.elementsEqual(layers.members, by: { $0.key.sameBytes(as: $1.key) }) {
          return (key, value)
        }
        notes["layers"] = .object(JSONObject(members))
        return (key, JSONValue.object(notes).text())
      })
  }

  /// What is said of a layer, or nil. Where its tensor and the header say different things, ComfyUI takes the
  /// header's word and others the tensor's.
  func note(ofLayer path: String) -> Note? {
    guard var own = layers[Array(path.utf8)] else { return headerNote(ofLayer: path) }
    if let other = headerNote(ofLayer: path)?.object, !own.object.hasSameMembers(as: other) {
      own.contradiction = other
    }
    return own
  }

  private func headerNote(ofLayer path: String) -> Note? {
    if header.isEmpty { return nil }
    if let note = header[Array(path.utf8)] { return note }
    let prefixes = Recognition.shared.prefixes
    for prefix in prefixes {
      if path.utf8HasPrefix(prefix),
        let note = header[Array(path.utf8.dropFirst(prefix.utf8.count))]
      {
        return note
      }
      if let note = header[Array((prefix + path).utf8)] { return note }
    }
    return nil
  }

  /// Whether a layer has a note that can't be read, because its bytes aren't at hand.
  func isMissing(ofLayer path: String) -> Bool { missing.contains(Array(path.utf8)) }

  /// What a program other than ComfyUI says of a layer, or nil.
  func description(ofLayer path: String) -> Note? { descriptions[Array(path.utf8)] }
}

/// A tensor's name as those of stored weights are made: the module's path, and what it is there. What
/// belongs to a weight may hang below it: `weight.absmax`.
struct StoredName {
  let path: String
  let name: String

  init(_ full: String) {
    let bytes = Array(full.utf8)
    let inner = Array(".weight.".utf8)
    var end = bytes.lastIndex(of: UInt8(ascii: ".")) ?? -1
    if bytes.count > inner.count, let dot = Self.first(inner, in: bytes) { end = dot }
    path = end < 0 ? "" : String(decoding: bytes[..<end], as: UTF8.self)
    name = end < 0 ? full : String(decoding: bytes[(end + 1)...], as: UTF8.self)
  }

  private static func first(_ part: [UInt8], in bytes: [UInt8]) -> Int? {
    for start in 0...bytes.count - part.count
    where bytes[start] == part[0] && bytes[start..<start + part.count].elementsEqual(part) {
      return start
    }
    return nil
  }
}

extension JSONObject {
  /// Whether both have the same members, in whatever order.
  fileprivate func hasSameMembers(as other: JSONObject) -> Bool {
    members.count == other.members.count
      && members.allSatisfy { other[$0.key]?.text() == $0.value.text() }
  }
}
