public import Autoencoders
internal import Caching
internal import Checkpoints
public import Compute
internal import Files
internal import JSON
public import Pictures
internal import SystemPackage

/// Turns pictures into distributions of latents.
///
/// The autoencoder is opened when a picture has to be encoded: not for one whose latents an earlier run kept. Its
/// memory lasts as long as this.
public final class PictureEncoder {
  private let folder: PipelineFolder
  private let cache: ContentCache?
  private let open: () throws -> any Autoencoder
  private var opened: (any Autoencoder)?
  private var hashed: FileContents?

  private static let component = "vae"
  private static let names = ["mean", "deviation"]

  init(
    _ folder: PipelineFolder, cache: ContentCache?, open: @escaping () throws -> any Autoencoder
  ) {
    self.folder = folder
    self.cache = cache
    self.open = open
  }

  /// Where a picture may lie in latent space: mean and standard deviation, `[channels, height / 8, width / 8]`.
  public struct Latents: Sendable {
    /// The mean, normalised.
    public let mean: Tensor
    /// The standard deviation of the same.
    public let deviation: Tensor
    /// Whether they are those of an earlier run.
    public let isKept: Bool
  }

  /// The autoencoder.
  public func autoencoder() throws -> any Autoencoder {
    if let opened { return opened }
    let autoencoder = try open()
    opened = autoencoder
    return autoencoder
  }

  /// Whether a picture's latents are kept, as far as that is known without reading large files.
  public func isKept(_ picture: Picture) throws -> Bool {
    guard let cache, let contents = try contents({ cache.knownContents(of: $0) }) else {
      return false
    }
    return cache.holds(key(picture, contents))
  }

  /// Encodes a picture whose sides are multiples of 16.
  public func encode(_ picture: Picture) throws -> Latents {
    guard let cache, let contents = try contents({ cache.contents(of: $0) }) else {
      return try computed(picture)
    }
    let key = key(picture, contents)
    if let kept = cache.floats(key, Self.names) {
      return Latents(mean: kept[0], deviation: kept[1], isKept: true)
    }
    let latents = try computed(picture)
    if latents.mean.isFinite, latents.deviation.isFinite, contents.areUnchanged {
      cache.store(Array(zip(Self.names, [latents.mean, latents.deviation])), under: key)
    }
    return latents
  }

  private func computed(_ picture: Picture) throws -> Latents {
    let found = try autoencoder().encode(
      Tensor(shape: [3, picture.height, picture.width], picture.normalized()))
    return Latents(mean: found.mean, deviation: found.deviation, isKept: false)
  }

  private func contents(
    _ find: (FileSnapshot?) -> FileContents?
  ) throws -> FileContents? {
    if hashed == nil { hashed = find(FileSnapshot(of: try folder.modelFiles(of: Self.component))) }
    return hashed
  }

  /// The pixels and not the file: how it was packed, turned and scaled is in them.
  private func key(_ picture: Picture, _ contents: FileContents) -> CacheKey {
    var members: JSONObject = [
      "pipeline": .string(folder.className), "files": contents.json,
      "width": .integer(Int64(picture.width)), "height": .integer(Int64(picture.height)),
      "pixels": .string(unsafe SHA256.hexadecimal(of: picture.pixels.span.bytes)),
    ]
    // Which device is in every key; whether it computes the autoencoder depends on its memory.
    if TransformerEngine.current.ofAutoencoders != nil { members["autoencoder"] = "device" }
    return CacheKey(computed: "latents", members)
  }
}
