internal import Files
public import JSON
public import SystemPackage

/// A configuration file of a component: `config.json`, `scheduler_config.json`, `model_index.json`.
///
/// Whoever builds something from it reads its values with types and limits; what it says of the
/// tensors is checked by ``CheckpointDescription``.
public struct Configuration: Sendable {
  /// Where it was read; messages name it.
  public let file: FilePath
  /// The document, which is an object.
  public let json: JSONValue

  /// What a file beside it says of how weights are quantised; nil without such.
  let quantizationBeside: JSONValue?

  /// Largest configuration that is read.
  static let largestByteCount = 16 << 20

  /// Reads a file that must hold a JSON object.
  public init(reading file: FilePath) throws {
    let bytes: [UInt8]
    do { bytes = try readWhole(file, atMost: Self.largestByteCount) } catch .tooLarge(_, let limit)
    {
      throw CheckpointError.malformedConfiguration(
        file: file, detail: "over \(limit) bytes, too large for a configuration")
    }
    let document: JSONValue
    do { document = try unsafe JSONValue(parsing: bytes.span.bytes) } catch {
      throw CheckpointError.malformedConfiguration(
        file: file, detail: "not a JSON document: \(error)")
    }
    guard document.object != nil else {
      throw CheckpointError.malformedConfiguration(file: file, detail: "expected a JSON object")
    }
    self.init(file: file, json: document)
  }

  /// A configuration in memory.
  public init(file: FilePath, json: JSONValue) {
    self.init(file: file, json: json, quantizationBeside: nil)
  }

  /// The same with what a file beside it says of how weights are quantised.
  init(file: FilePath, json: JSONValue, quantizationBeside: JSONValue?) {
    self.file = file
    self.json = json
    self.quantizationBeside = quantizationBeside
  }

  /// The diffusers class, or the first of transformers' `architectures`.
  public var className: String? {
    json["_class_name"]?.string ?? json["architectures"]?.array?.first?.string
  }
}
