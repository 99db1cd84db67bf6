internal import Adapters
internal import Checkpoints
internal import Safetensors
public import SystemPackage

/// Telling what an input is before it is converted.
public enum Conversions {
  /// Whether a path names an adapter, or a bundle of them, rather than a checkpoint.
  public static func isAdapter(_ path: FilePath) throws(ConversionError) -> Bool {
    let input: CheckpointInput
    do { input = try CheckpointInput(opening: path) } catch { throw .checkpoint(error) }
    guard case .unknown = input.description.subject else { return false }
    if ExpertBundle.isBundle(input.source.metadata) { return true }
    return AdapterFile.seemsAdapter(names: input.source.tensors.lazy.map(\.name))
  }
}
