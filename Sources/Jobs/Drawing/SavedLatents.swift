public import Compute
internal import Containers
internal import Elements
public import JSON
public import SystemPackage
public import Tensors

/// What files with latents say of themselves: formats/sampling.md.
public enum SavedLatents {
  /// The metadata key that says which latents they are.
  public static let key = "glance.latents"
  /// Its value: the latents that pictures were decoded from.
  public static let finished = "finished"
  /// The metadata key of the run's settings, as JSON.
  public static let settingsKey = "glance.settings"

  /// Writes the latents that pictures were decoded from, `latents` `[pictures, channels, height, width]`;
  /// nothing where there are none.
  ///
  /// - Parameters:
  ///   - latents: of one shape.
  ///   - settings: what they were made with.
  ///   - more: metadata after that.
  ///   - file: the destination, which appears complete or not at all.
  ///   - overwrite: whether a regular file there may be replaced.
  /// - Throws: what can't be written.
  public static func write(
    _ latents: [Tensor], settings: JSONValue, _ more: Metadata = [], to file: FilePath,
    overwrite: Bool
  ) throws {
    guard let first = latents.first else { return }
    let sink = try TensorSink(
      creating: file,
      tensors: [
        TensorDescription(name: "latents", dtype: .f32, shape: [latents.count] + first.shape)
      ], metadata: [(key, finished), (settingsKey, settings.text())] + more, overwrite: overwrite)
    for (index, latent) in latents.enumerated() {
      try sink.write(unsafe latent.floats.span.bytes, 0, index * 4 * latent.count)
    }
    try sink.commit()
  }
}
