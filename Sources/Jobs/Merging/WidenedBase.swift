internal import Adapters
internal import Checkpoints
internal import Elements
internal import JSON
internal import SystemPackage
internal import Tensors

/// Bases that adapters give more to read.
///
/// **Source:** black-forest-labs/flux, `util.py`, `optionally_expand_state_dict`; huggingface/diffusers,
/// `loaders/lora_pipeline.py`, `_maybe_expand_transformer_param_shape_or_error_`: the weight has zeros for the new
/// features before the adapter is added.
extension BakeRequest {
  /// The base, with zeros for features that some of the adapters read and it doesn't.
  ///
  /// - Parameter adapters: all that are merged into it.
  /// - Returns: the base as the merge begins with it.
  /// - Throws: when it can't be read, or the weight isn't stored as plain numbers.
  func input(for adapters: [MergedAdapter]) throws -> OpenedCheckpoint {
    let input = try OpenedCheckpoint(opening: base, base: inputBase)
    guard let wide = try input.widened(for: adapters) else { return input }
    guard !isReversible else {
      throw MergeError.usage(
        "\(base): --reversible can't take back an adapter that widens a layer; keep the base")
    }
    return wide
  }
}

extension OpenedCheckpoint {
  /// The checkpoint with zeros for features that adapters read besides; nil where none does.
  fileprivate func widened(for adapters: [MergedAdapter]) throws -> OpenedCheckpoint? {
    guard case .transformer(let architecture) = description.subject, let layout = description.layout
    else { return nil }
    for merged in adapters {
      for module in merged.adapter.modules where merged.strength(of: module.path) != 0 {
        guard let wide = architecture.widened(module.path, to: module.inFeatures),
          let place = architecture.module(at: module.path), place.outFeatures == module.outFeatures,
          let entry = architecture.entries(in: layout)
            .first(where: { $0.parameters == [module.path + ".weight"] })
        else { continue }
        let names = entry.names.map { description.prefix + $0 }
        guard let position = source.tensors.firstIndex(where: { names.contains($0.name) }) else {
          continue
        }
        var tensors = source.tensors
        tensors[position] = try tensors[position].widened(to: module.inFeatures, of: path)
        let note =
          "'\(module.path)' reads \(module.inFeatures) features instead of "
          + "\(place.inFeatures ?? 0) from now on, as an adapter has it: the output is "
          + "\(wide.variant?.title ?? "another variant"), which needs what draws with that (diffusers: FluxControlPipeline)"
        return OpenedCheckpoint(
          path: path, form: form,
          source: try TensorSource(
            path: source.path, container: source.container, files: source.files, tensors: tensors,
            metadata: source.metadata, index: source.index, problems: source.problems + [note]),
          configuration: configuration.map {
            Configuration(
              file: $0.file, json: .object(wide.configuration(keeping: $0.json.object)))
          })
      }
    }
    return nil
  }
}

extension TensorView {
  /// The matrix with zeros behind every row.
  fileprivate func widened(to columns: Int, of file: FilePath) throws -> TensorView {
    guard [.f32, .f16, .bf16].contains(dtype), shape.count == 2, shape[1] <= columns else {
      throw MergeError.unsupportedDType(
        base: file, tensor: name, found: "\(dtype.rawValue), to which an adapter adds columns")
    }
    let (own, whole) = (
      dtype.byteCount(elements: shape[1]), dtype.byteCount(elements: columns)
    )
    var bytes = [UInt8](repeating: 0, count: shape[0] * whole)
    try withBytes(0..<byteCount) { stored in
      for row in 0..<shape[0] {
        for byte in 0..<own {
          bytes[row * whole + byte] = unsafe stored.unsafeLoad(
            fromByteOffset: row * own + byte, as: UInt8.self)
        }
      }
    }
    return unsafe TensorView(
      name: name, dtype: dtype, shape: [shape[0], columns], copying: bytes.span.bytes)
  }
}
