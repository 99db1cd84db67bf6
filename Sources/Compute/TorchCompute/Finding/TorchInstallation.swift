internal import Files
public import SystemPackage

/// A PyTorch on this machine, found and not loaded yet.
public struct TorchInstallation: Sendable, Equatable {
  /// The folder of its libraries.
  public let folder: FilePath
  /// Its version as its package tells it, such as `2.13.0+cpu`; nil where it doesn't.
  public let version: String?

  /// The library that loads all others of PyTorch's.
  static let libraryName = "libtorch.so"
  /// The library of what runs on processors alone.
  static let cpuLibraryName = "libtorch_cpu.so"

  /// What a folder has: a virtual environment, a package, its folder `lib`, or one that has `torch`.
  package init?(in folder: FilePath) {
    let environments = (folderNames(folder.appending("lib")) ?? [])
      .filter { $0.hasPrefix("python3.") }.sorted { minor($0) > minor($1) }
      .map { folder.appending("lib").appending($0).appending("site-packages/torch/lib") }
    let places =
      [folder, folder.appending("lib"), folder.appending("torch/lib")] + environments
    guard let found = places.first(where: { $0.appending(Self.cpuLibraryName).isRegularFile })
    else { return nil }
    self.folder = found
    version = Self.version(beside: found)
  }

  /// Looks where PyTorch may be: in the folder that is named, else that of GLANCE_TORCH, and where none is named
  /// in the active virtual environment and the one of tools/setup-gpu. A library that is found is code that
  /// runs, so that neither the current folder nor a model's is looked into.
  ///
  /// - Parameters:
  ///   - folder: the named folder.
  ///   - environment: the value of a variable.
  /// - Returns: the first that is there.
  /// - Throws: ``TorchError/noLibrary(folder:name:)`` of a named folder, ``TorchError/notFound(places:)``.
  public static func find(
    _ folder: FilePath?, environment: (String) -> String?
  ) throws(TorchError) -> TorchInstallation {
    if let named = folder ?? variable("GLANCE_TORCH", environment) {
      guard let found = TorchInstallation(in: named) else {
        throw .noLibrary(folder: named, name: cpuLibraryName)
      }
      return found
    }
    let places = [variable("VIRTUAL_ENV", environment), own(environment)].compactMap(\.self)
    for place in places {
      if let found = TorchInstallation(in: place) { return found }
    }
    throw .notFound(
      places: ["GLANCE_TORCH (unset)"]
        + (variable("VIRTUAL_ENV", environment) == nil ? ["VIRTUAL_ENV (unset)"] : [])
        + places.map(\.string))
  }

  /// Where tools/setup-gpu installs one.
  ///
  /// Source: XDG Base Directory Specification 0.8, `$XDG_DATA_HOME`: relative paths are ignored.
  private static func own(_ environment: (String) -> String?) -> FilePath? {
    let base =
      variable("XDG_DATA_HOME", environment)
      ?? variable("HOME", environment)?.appending(".local/share")
    return base?.appending("glance/torch")
  }

  /// An absolute path that a variable holds.
  private static func variable(_ name: String, _ environment: (String) -> String?) -> FilePath? {
    guard let text = environment(name) else { return nil }
    let path = FilePath(text)
    return path.isAbsolute ? path : nil
  }

  /// What `version.py` beside the folder of libraries says.
  private static func version(beside folder: FilePath) -> String? {
    let file = folder.removingLastComponent().appending("version.py")
    guard let bytes = try? readWhole(file, atMost: 1 << 16) else { return nil }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    return lines.first { $0.hasPrefix("__version__ = ") }
      .flatMap { $0.split(separator: "'").dropFirst().first.map(String.init) }
  }
}

private func minor(_ name: String) -> Int { Int(name.dropFirst("python3.".count)) ?? 0 }
