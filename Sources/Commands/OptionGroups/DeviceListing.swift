internal import CommandSupport
internal import SystemPackage
internal import TorchCompute

#if canImport(Glibc)
  internal import Glibc
#endif

/// The answer to `--devices`, which needs none of the other options that a command asks for.
public enum DeviceListing {
  /// Prints the list and ends the process if the command line asks for it.
  public static func answerIfAsked() {
    let arguments = CommandLine.arguments.dropFirst().prefix { $0 != "--" }
    guard arguments.contains("--devices") else { return }
    var folder: FilePath?
    for (word, next) in zip(arguments, arguments.dropFirst() + [""]) {
      if word == "--torch" { folder = FilePath(next) }
      if word.hasPrefix("--torch=") { folder = FilePath(String(word.dropFirst("--torch=".count))) }
    }
    let census = TorchCensus(
      folder, threads: CommonOptions.processorCount, environment: variable)
    let width = census.entries.map(\.name.count).max() ?? 0
    let lines = census.entries.map { entry in
      entry.name + String(repeating: " ", count: width - entry.name.count) + "  " + entry.text
    }
    do { try Terminal.output(lines.joined(separator: "\n") + "\n") } catch {
      Terminal.warn("\(error)")
      exit(74)
    }
    exit(0)
  }
}
