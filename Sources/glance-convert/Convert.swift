import ArgumentParser
import CommandSupport

@main
struct Convert: ToolCommand {
  static let configuration = CommandConfiguration(
    tool: "glance-convert", abstract: "Bring a checkpoint or adapter into another form.")

  @OptionGroup(title: "Common options") var common: CommonOptions

  func execute() throws {}
}
