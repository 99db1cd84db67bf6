internal import ArgumentParser

/// A word where a command is to be named, and there is no such command.
struct UnknownCommand: CustomStringConvertible {
  /// As it was typed.
  let word: String
  /// What to type instead.
  let advice: String

  /// One line.
  var description: String { "Unknown command '\(word)': \(advice)" }

  /// The first argument, or what follows `help`, where it names none of the commands that a command has; nil for one that has none.
  ///
  /// - Parameters:
  ///   - arguments: without the program's name.
  ///   - command: whose commands are known.
  init?(in arguments: [String], of command: any Tool.Type) {
    let known = command.configuration.subcommands.compactMap { $0.configuration.commandName }
    // `glance help smaple` names one, too.
    let named = arguments.first == "help" ? arguments.dropFirst() : arguments[...]
    guard !known.isEmpty, let word = named.first, !word.hasPrefix("-"), !known.contains(word),
      word != "help"
    else { return nil }
    self.word = word
    advice =
      command.wordsOfOthers[word] ?? UnknownOption.nearest(to: word, in: Set(known))
      ?? "expected one of " + known.joined(separator: ", ")
  }
}
