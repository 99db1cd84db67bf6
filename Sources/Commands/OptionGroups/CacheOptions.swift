public import ArgumentParser
public import Caching
public import CommandSupport
public import SystemPackage

/// Where results that depend on their inputs alone are kept for other runs.
public struct CacheOptions: ParsableArguments {
  /// The folder.
  @Option(
    help: ArgumentHelp(
      """
      Keep encoded texts and pictures, losses of the base and digests of models here for other runs \
      (default: GLANCE_CACHE, else glance in XDG_CACHE_HOME or ~/.cache).
      """, valueName: "folder"), completion: .directory)
  public var cache: FilePath?

  /// The most bytes that it may take.
  @Option(
    help: "Bytes that they may take (default: 10GB); those not used for longest go first.",
    transform: ByteSize.init(parsing:))
  public var cacheLimit = ByteSize(ContentCache.defaultByteLimit)

  /// Whether nothing is kept.
  @Flag(help: "Compute all of it again, and keep nothing.")
  public var noCache = false

  /// The options with their defaults.
  public init() {}

  /// Refuses what contradicts itself.
  public func validate() throws {
    if noCache, cache != nil {
      throw ValidationError("--cache and --no-cache exclude each other.")
    }
    if let cache, cache.isEmpty {
      throw ValidationError("--cache: expected a folder, found ''")
    }
  }

  /// The cache that they stand for; nil where nothing is kept. What goes wrong with it is a warning.
  public func open() -> ContentCache? {
    guard !noCache, let folder = cache ?? Self.folder(variable) else { return nil }
    return ContentCache(folder: folder, byteLimit: cacheLimit.count) { Terminal.warn($0) }
  }

  /// The folder where none is named: that of GLANCE_CACHE, which is none where that is empty.
  ///
  /// **Source:** XDG Base Directory Specification 0.8, `$XDG_CACHE_HOME`: relative paths are ignored.
  private static func folder(_ variable: (String) -> String?) -> FilePath? {
    if let own = variable("GLANCE_CACHE") { return own.isEmpty ? nil : FilePath(own) }
    if let base = variable("XDG_CACHE_HOME").map({ FilePath($0) }), base.isAbsolute {
      return base.appending("glance")
    }
    guard let home = variable("HOME").map({ FilePath($0) }), home.isAbsolute else { return nil }
    return home.appending(".cache").appending("glance")
  }
}
