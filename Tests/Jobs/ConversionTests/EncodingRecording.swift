import Containers
import Elements
import JSON
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Copies of the recordings.
struct EncodingRecording {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A place beside them.
  func path(_ name: String) -> FilePath { folder.path.appending(name) }

  /// Writes a file beside them.
  func write(_ bytes: [UInt8], to name: String) throws { try folder.write(bytes, to: name) }

  /// A recording's file, with the config.json that it needs, and what is expected of it.
  ///
  /// - Parameters:
  ///   - name: of the recording.
  ///   - changes: what config.json says otherwise.
  /// - Returns: the file beside its config.json, and the record.
  /// - Throws: when they can't be read or written.
  func opened(
    _ name: String, saying changes: [JSONObject.Member] = []
  ) throws -> (file: FilePath, record: JSONValue) {
    let source = Fixtures.folder.appending("encodings")
    let record = try JSONValue(parsing: Fixtures.text(source.appending("\(name).json")))
    try folder.write(
      contents(of: source.appending("\(name).safetensors")), to: "model.safetensors")
    var document: JSONObject = [:]
    if var configuration = record["quantization_config"]?.object {
      for change in changes { configuration[change.key] = change.value }
      document["quantization_config"] = .object(configuration)
    }
    try folder.write(Array(JSONValue.object(document).text().utf8), to: "config.json")
    return (path("model.safetensors"), record)
  }

  /// The same with some tensors changed, or left out where nothing comes back.
  func changed(
    _ name: String, _ change: (TensorView) -> TensorView?
  ) throws -> FilePath {
    let file = try opened(name).file
    let source = try TensorSource(opening: file)
    let output = path("diffusion_pytorch_model.safetensors")
    try writeSafetensors(
      source.tensors.compactMap(change), metadata: source.metadata, to: output, overwrite: true)
    return output
  }
}

/// What changed copies fail with.
extension EncodingRecording {
  func expectFailure(
    _ name: String, _ text: String, _ change: (TensorView) -> TensorView?,
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    let file = try changed(name, change)
    let error = #expect(throws: (any Error).self, sourceLocation: location) {
      try convert(file, to: path("out.safetensors")) { $0.form.dtype = .f32 }
    }
    let found = error.map { "\($0)" } ?? ""
    #expect(found.hasPrefix("\(file): \(text)"), "\(found)", sourceLocation: location)
  }

  /// A tensor of a name replaced by bytes, in its own shape or another.
  func replacing(
    _ name: String, shape: [Int]? = nil, _ change: @escaping (inout [UInt8]) -> Void = { _ in }
  ) -> (TensorView) -> TensorView? {
    { tensor in
      guard tensor.name == name else { return tensor }
      var all = bytes(of: tensor)
      change(&all)
      let shape = shape ?? (tensor.shape.count == 1 ? [all.count] : tensor.shape)
      return unsafe TensorView(
        name: name, dtype: tensor.dtype, shape: shape,
        copying: Array(all.prefix(tensor.dtype.byteCount(shape: shape) ?? 0)).span.bytes)
    }
  }
}
