extension GlanceInspect {
  /// What other programs call these things.
  static let wordsOfOthers = [
    "--keys": "names of tensors are --tensors", "--list": "names of tensors are --tensors",
    "--metadata": "metadata are part of every report",
    "--compare": "two files are compared with --diff OTHER",
    "--base": "whether it fits a base is --against BASE",
    "--output": "a page is --html FILE; text goes to standard output",
    "-o": "a page is --html FILE; text goes to standard output",
  ]
}
