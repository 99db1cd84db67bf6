internal import Adapters
internal import Checkpoints
internal import Safetensors
public import SystemPackage

/// Telling what an input is before it is converted.
public enum Conversions {
  /// Whether a path names an adapter rather than a checkpoint.
  ///
  /// - Parameters:
  ///   - path: what is asked about.
  ///   - base: where the base of a difference is, instead of where the file says.
  /// - Returns: whether it does.
  /// - Throws: ``ConversionError/checkpoint(_:)`` when it can't be read.
  public static func isAdapter(
    _ path: FilePath, base: FilePath? = nil
  ) throws(ConversionError) -> Bool {
    let input: CheckpointInput
    do { input = try CheckpointInput(opening: path, base: base) } catch {
      throw .checkpoint(error)
    }
    guard case .unknown = input.description.subject else { return false }
    return AdapterFile.seemsAdapter(names: input.source.tensors.lazy.map(\.name))
  }
}
