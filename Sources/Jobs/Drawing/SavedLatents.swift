public import Compute
internal import Containers
internal import Elements
public import JSON
public import SystemPackage
public import Tensors

/// What files with latents say of themselves: formats/sampling.md.
public enum SavedLatents {
  /// The tensor's name.
  static let tensor = "latents"
  /// The metadata key that says which latents they are.
  public static let key = "glance.latents"
  /// Its value: the latents that pictures were decoded from.
  public static let finished = "finished"
  /// Its value: what pictures were started from.
  public static let noise = "noise"
  /// The metadata key of the run's settings, as JSON.
  public static let settingsKey = "glance.settings"

  /// Writes latents, `latents` `[pictures, channels, height, width]`; nothing where there are none.
  ///
  /// - Parameters:
  ///   - count: how many there are.
  ///   - kind: which they are: ``finished`` or ``noise``.
  ///   - settings: what they were made with.
  ///   - more: metadata after that.
  ///   - file: the destination, which appears complete or not at all.
  ///   - overwrite: whether a regular file there may be replaced.
  ///   - latent: gives each, all of one shape.
  /// - Throws: what can't be written, or what the closure throws.
  public static func write(
    count: Int, kind: String = finished, settings: JSONValue, _ more: Metadata = [],
    to file: FilePath, overwrite: Bool, _ latent: (Int) throws -> Tensor
  ) throws {
    guard count > 0 else { return }
    let first = try latent(0)
    let sink = try TensorSink(
      creating: file,
      tensors: [TensorDescription(name: tensor, dtype: .f32, shape: [count] + first.shape)],
      metadata: [(key, kind), (settingsKey, settings.text())] + more, overwrite: overwrite)
    for index in 0..<count {
      let own = try index == 0 ? first : latent(index)
      try sink.write(unsafe own.floats.span.bytes, 0, index * 4 * own.count)
    }
    try sink.commit()
  }
}
