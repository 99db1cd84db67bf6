internal import Compute
public import SystemPackage

/// The devices of a PyTorch, and why others aren't there.
public struct TorchCensus: Sendable {
  /// One device, or why there is none.
  public struct Entry: Sendable {
    /// As a person names it.
    public let name: String
    /// What it is, or why it isn't there.
    public let text: String
  }

  /// All that were looked for.
  public let entries: [Entry]

  /// Looks for PyTorch and loads it.
  ///
  /// - Parameters:
  ///   - folder: the named folder.
  ///   - threads: of loops on processors.
  ///   - environment: the value of a variable.
  public init(_ folder: FilePath?, threads: Int, environment: (String) -> String?) {
    let host = Entry(name: "cpu", text: "this machine's processors, without PyTorch (the default)")
    do throws(TorchError) {
      let installation = try TorchInstallation.find(folder, environment: environment)
      entries = [host] + Self.devices(of: installation, threads)
    } catch {
      entries = [host, Entry(name: "others", text: "\(error)")]
    }
  }

  private static func devices(of installation: TorchInstallation, _ threads: Int) -> [Entry] {
    func entries(_ kind: String) -> [Entry] {
      let name: TorchDeviceName = .torch(kind)
      do throws(TorchError) {
        let library = try TorchLibrary(installation, for: name, threads: threads)
        let count = kind == "cuda" ? library.cudaCount : 1
        let names = count > 1 ? (0..<count).map { TorchDeviceName.torch("\(kind):\($0)") } : [name]
        return try names.map { (name) throws(TorchError) in
          let session = try library.session(on: name, precision: .float32)
          return Entry(name: "\(name)", text: text(session, installation))
        }
      } catch { return [Entry(name: "\(name)", text: "\(error)")] }
    }
    return (["cpu"] + TorchDeviceName.kinds).flatMap(entries)
  }

  private static func text(_ session: TorchSession, _ installation: TorchInstallation) -> String {
    let memory = session.memoryAtStart.map { memory in
      ", \(memory.free / 1_000_000) MB free of \(memory.total / 1_000_000)"
    }
    return "PyTorch \(session.version) of \(installation.folder)\(memory ?? "")"
  }
}
